// TaskCheck runs a task again from what was kept of it, as far as that needs no secret, and names
// who deviated.
//
// What it can see: who signed what, that every report counts once, that what was collected is what
// was counted, and that the collector got what the helper gave. What it can't: whether a proof
// held, and what is in a share; of those each aggregator keeps the other honest only by its own
// part of the work (docs/aggregation.md).
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_set>
#include <vector>

#include "aggregate/batch_bucket.h"
#include "aggregate/dap_aggregation.h"
#include "aggregate/dap_collection.h"
#include "aggregate/dap_task.h"
#include "aggregate/prio3.h"
#include "aggregate/task_exchange.h"
#include "base/result.h"

namespace salus::aggregate {

// SignatureCheck says whether the text of a note bears this signature of one aggregator.
using SignatureCheck = std::function<bool(std::string_view text, std::string_view signature)>;

// Deviation is what somebody did that the protocol does not allow, or what keeps a transcript from
// proving anything: then nobody is named.
struct Deviation {
  enum class By : std::uint8_t { kNobody, kLeader, kHelper };
  By by = By::kNobody;
  std::string text;   // for people
  std::string where;  // the transcript and item that show it
};
std::string_view DeviatorName(Deviation::By by);

// CheckedBatch is a batch that the helper gave its share of.
struct CheckedBatch {
  DapBatchSelector selector;
  std::uint64_t report_count = 0;
  bool is_delivered = false;  // the collector got it
};

// TaskFindings is what transcripts prove of a task.
struct TaskFindings {
  std::uint64_t exchanges = 0;  // each once, however many kept it
  std::uint64_t jobs = 0;
  std::uint64_t counted = 0;  // reports
  std::map<ReportError, std::uint64_t> refused = {};
  std::vector<CheckedBatch> batches = {};
  std::uint64_t results_alone = 0;  // that the collector got of batches whose share is not here
  std::vector<Deviation> deviations = {};
};

class TaskCheck {
 public:
  // Checks are those of the keys that the caller knows; without one that aggregator's signatures
  // are not checked, and it is not named either.
  //
  // Errors: InvalidArgument for limits that the VDAF can't have.
  static Result<TaskCheck> Create(DapTask task, SignatureCheck leader, SignatureCheck helper);

  // Take goes through one exchange; where says in which transcript and item it stands. Exchanges of
  // several transcripts may come in any order.
  //
  // Errors: InvalidArgument where it is not of this task.
  Result<void> Take(const TaskExchange& exchange, const std::string& where);
  // Finish compares what was collected with what was counted.
  TaskFindings Finish();

 private:
  // Tally is what the helper's answers add up to in one bucket.
  struct Tally {
    std::uint64_t count = 0;
    BatchChecksum checksum{};
  };
  // SeenAnswer is the answer to a request that the helper must always answer alike.
  struct SeenAnswer {
    crypto::Hash32 sha256{};
    std::string where;
  };
  struct GivenShare {
    AggregateShareReq request;
    Bytes sealed_share;
    std::optional<Bytes> leader_share;  // that the collector got with it
    std::string where;
  };

  TaskCheck(DapTask task, std::unique_ptr<const Prio3> prio3, SignatureCheck leader,
            SignatureCheck helper);

  void Accuse(Deviation::By by, std::string text, std::string where);
  bool IsSignedBy(Deviation::By by, std::string_view text, std::string_view signature,
                  const std::string& where);
  bool IsNew(const TaskExchange& exchange, const std::string& where);
  void TakeJob(const TaskExchange& exchange, const std::string& where);
  void TakeReport(const VerifyInit& init, const VerifyResp& answer, const BucketKey& bucket,
                  const std::string& where);
  void TakeShare(const TaskExchange& exchange, const std::string& where);
  void TakeResult(const TaskExchange& exchange, const std::string& where);
  bool IsShareOf(const GivenShare& given, const CollectionJobResp& result) const;
  void CompareResult(const CollectionJobResp& result, const std::string& where);
  void CompareBatch(const GivenShare& given);
  void CompareOverlaps();
  bool is_by_time() const { return task_.batch_mode() == BatchMode::kTimeInterval; }

  DapTask task_;
  std::unique_ptr<const Prio3> prio3_;
  SignatureCheck leader_;
  SignatureCheck helper_;
  TaskFindings findings_;
  std::set<crypto::Hash32> seen_;                 // exchanges, by their texts
  std::map<crypto::Hash32, SeenAnswer> answers_;  // by the text of the request
  std::unordered_set<ReportId, ReportId::Hasher> counted_;
  std::map<BucketKey, Tally> tallies_;
  std::vector<GivenShare> shares_;
  std::vector<std::pair<CollectionJobResp, std::string>> results_;  // with where
};

}  // namespace salus::aggregate
