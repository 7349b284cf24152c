// Command is one `salus NOUN VERB` as data: its flags, its help, and what runs it. The table of all
// of them makes the parser, `--help` and the man page, so that these can't differ.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace salus::cli {

class Session;

enum class FlagKind { kSwitch, kText, kList };

// Flag is one option of a command.
struct Flag {
  std::string name;  // "--from"
  FlagKind kind = FlagKind::kText;
  std::string value;  // "DAY"; empty for a switch
  std::string help;
  std::string short_name = {};  // "-o"; empty for most
};

// Positional is an argument without a name; the last of a command may be a list.
struct Positional {
  std::string name;  // "FILE"
  std::string help;
  bool is_required = true;
  bool is_list = false;
};

// ExitCode is what the shell sees.
enum class ExitCode : int {
  kDone = 0,
  kFailed = 1,  // it failed, or some input was refused
  kUsage = 2,
  kTampered = 3,  // verification failed: tampered with, withheld or forged
};

// Command names nothing twice: flags that many commands share come from PlaceFlags and OutputFlags.
struct Command {
  std::string noun;  // "audit"; for plain verbs the verb itself
  std::string verb;  // empty for plain verbs; "task new" is a verb in a group of its own
  std::string summary;
  std::string details;  // may be empty
  std::vector<std::string> examples;
  std::vector<Flag> flags;
  std::vector<Positional> positionals;
  Result<ExitCode> (*run)(Session& session) = nullptr;
  // tampered_advice says what to do after exit code 3.
  std::string tampered_advice =
      "verification failed: something was changed, withheld or forged. Keep the evidence (do not "
      "repair anything yet), and call the operator and your auditor.";

  std::string FullName() const { return verb.empty() ? noun : noun + " " + verb; }
};

// Arguments are what was given on the command line, by flag name ("--from") or position name.
class Arguments {
 public:
  void Add(const std::string& name, std::string value) {
    values_[name].push_back(std::move(value));
  }

  bool Has(const std::string& name) const { return values_.contains(name); }
  // Text is the last value, empty where there is none.
  std::string Text(const std::string& name) const {
    const auto found = values_.find(name);
    return found == values_.end() ? std::string() : found->second.back();
  }
  std::vector<std::string> List(const std::string& name) const {
    const auto found = values_.find(name);
    return found == values_.end() ? std::vector<std::string>() : found->second;
  }

 private:
  std::map<std::string, std::vector<std::string>> values_;
};

// PlaceFlags are --data, --server, --as and the passphrase's; OutputFlags --format and --json.
std::vector<Flag> PlaceFlags();
std::vector<Flag> OutputFlags();
// With joins lists of flags.
std::vector<Flag> With(std::vector<Flag> own, std::initializer_list<std::vector<Flag>> more);

// AllCommands is the table; each cmd_*.cc adds its noun's.
std::vector<Command> AllCommands();
void AddPlaceCommands(std::vector<Command>& all);     // init, connect, status
void AddIdentityCommands(std::vector<Command>& all);  // identity
void AddPatientCommands(std::vector<Command>& all);
void AddAuditorCommands(std::vector<Command>& all);
void AddOfficerCommands(std::vector<Command>& all);
void AddSourceCommands(std::vector<Command>& all);
void AddMandateCommands(std::vector<Command>& all);
void AddAuditCommands(std::vector<Command>& all);
void AddLogCommands(std::vector<Command>& all);
void AddCustodyCommands(std::vector<Command>& all);
void AddKeygenCommands(std::vector<Command>& all);
void AddSealCommands(std::vector<Command>& all);  // seal, open
void AddInspectCommands(std::vector<Command>& all);
void AddAggregateDapCommands(std::vector<Command>& all);  // aggregate task, upload, collect, keys
void AddAggregateCommands(std::vector<Command>& all);
void AddProxyCommands(std::vector<Command>& all);
void AddSignCommands(std::vector<Command>& all);  // sign, verify
void AddSafetyNumberCommand(std::vector<Command>& all);

// NounSummary is what a noun of many verbs is for; empty for others.
std::string NounSummary(const std::string& noun);

// ManPage is the table as roff, for `salus --help-man`; with a noun the page of that one, empty
// where there is no such noun.
std::string ManPage(const std::vector<Command>& commands, const std::string& noun);

}  // namespace salus::cli
