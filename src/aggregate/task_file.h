// TaskFile is what one party of a task is handed: the task, whom to believe, and the secrets of
// that party's part.
//
// Source: our own, docs/formats/aggregate-tasks.md.
// Shape:  one JSON object of at most 64 KiB: {"party", "task": DapTask's, "leader_root",
//         "helper_root" (PEM), and the members of the party}. Each member once, none unknown, none
//         of another party's.
// Errors: InvalidArgument with the member, never its value.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "aggregate/aggregator_task.h"
#include "aggregate/dap_hpke_config.h"
#include "aggregate/dap_task.h"
#include "aggregate/privacy_ledger.h"
#include "aggregate/rational.h"
#include "base/random.h"
#include "base/result.h"
#include "base/secret.h"

namespace salus::aggregate {

// TaskParty is whose file it is: "client" is for everybody, the other three are secret.
enum class TaskParty : std::uint8_t { kClient, kLeader, kHelper, kCollector };
std::string_view TaskPartyName(TaskParty party);

// TaskStudy is the study whose budget a task with noise spends from.
struct TaskStudy {
  std::string name;
  PrivacyMeasure measure = PrivacyMeasure::kEpsilon;
  Rational budget;

  friend bool operator==(const TaskStudy&, const TaskStudy&) = default;
};

// Shape: the roots are the authorities that a party believes about an aggregator's name, in PEM;
//        never those of the system. Machine URLs are where an aggregator asks for certificates of
//        its own log: "https://host:9443", or empty. Tokens are 16 to 256 characters of a bearer
//        token (RFC 6750 section 2.1). A study is there when the task has noise, and only then.
struct TaskFile {
  TaskParty party = TaskParty::kClient;
  DapTask task;
  std::string leader_root;
  std::string helper_root;
  std::string leader_machine_url = {};                 // collector
  std::string helper_machine_url = {};                 // leader
  std::optional<TaskStudy> study = {};                 // leader, helper
  std::optional<DapHpkeConfig> collector_config = {};  // all but the client
  SecretBytes verify_key = {};                         // leader, helper
  SecretBytes aggregator_token = {};                   // leader, helper
  SecretBytes collector_token = {};                    // leader, collector
  std::optional<SecretArray<32>> collector_key = {};   // collector

  static Result<TaskFile> Parse(const SecretBytes& text);
  SecretBytes ToText() const;

  // ToAggregatorTask is the leader's or helper's file as a store keeps it.
  //
  // Errors: InvalidArgument for another party's.
  Result<AggregatorTask> ToAggregatorTask() const;
};

// NewToken is a bearer token that nobody can guess.
SecretBytes NewToken(RandomSource& random);

}  // namespace salus::aggregate
