#include "apps/salus/command.h"

namespace salus::cli {

std::vector<Flag> PlaceFlags() {
  return {
      {"--data", FlagKind::kText, "DIR", "work on this data directory [SALUS_DATA]"},
      {"--server", FlagKind::kText, "URL|NAME", "work against this server [SALUS_SERVER]"},
      {"--as", FlagKind::kText, "DIR", "identity directory to act as [SALUS_AS]"},
      {"--passphrase", FlagKind::kSwitch, "", "ask for the identity's passphrase"},
      {"--passphrase-file", FlagKind::kText, "FILE", "read the identity's passphrase from a file"},
  };
}

std::vector<Flag> OutputFlags() {
  return {
      {"--format", FlagKind::kText, "FORMAT",
       "table, json, ndjson, fhir, or csv (a cell that a spreadsheet would run gets a ' in front)"},
      {"--json", FlagKind::kSwitch, "", "the same as --format json"},
  };
}

std::vector<Flag> With(std::vector<Flag> own, std::initializer_list<std::vector<Flag>> more) {
  for (const std::vector<Flag>& flags : more) own.insert(own.end(), flags.begin(), flags.end());
  return own;
}

std::vector<Command> AllCommands() {
  std::vector<Command> all;
  AddKeygenCommands(all);
  AddSealCommands(all);
  AddInspectCommands(all);
  AddSignCommands(all);
  AddSafetyNumberCommand(all);
  AddPlaceCommands(all);
  AddIdentityCommands(all);
  AddPatientCommands(all);
  AddAuditorCommands(all);
  AddOfficerCommands(all);
  AddSourceCommands(all);
  AddMandateCommands(all);
  AddAuditCommands(all);
  AddLogCommands(all);
  AddCustodyCommands(all);
  AddProxyCommands(all);
  AddAggregateDapCommands(all);
  AddAggregateCommands(all);
  return all;
}

}  // namespace salus::cli
