// salus audit: the table of its verbs.

#include "apps/salus/audit_commands.h"

namespace salus::cli {

namespace {

std::vector<Flag> InputFlags() {
  return {
      {"--input", FlagKind::kText, "FORMAT",
       "ndjson (one event a line) or fhir (AuditEvent, Bundle)"},
      {"--rejects", FlagKind::kText, "FILE", "write refused lines here: number, reason"},
      {"--receipts", FlagKind::kText, "FILE", "append the signed receipts here (JSON lines)"},
      {"--atomic", FlagKind::kSwitch, "", "all or nothing (at most 4 MiB)"},
  };
}

std::vector<Flag> ViaFlag() {
  return {{"--via", FlagKind::kText, "FOLDER", "exchange files in this folder instead of HTTPS"},
          {"--timeout", FlagKind::kText, "SECONDS",
           "with --via: how long to wait for an answer (120)"}};
}

void AddIngest(std::vector<Command>& all) {
  all.push_back(
      {.noun = "audit",
       .verb = "append",
       .summary = "Log events from a file, the standard input or a spool folder",
       .details =
           "Streams input of any size. A refused line does not touch the others; exit code 1 "
           "says that there was one. Sent twice is logged once.\nWith --watch, files are "
           "taken when they are closed after writing or renamed in; names that begin with "
           "'.' or end in '.tmp' are left alone; done ones go to done/, others to refused/ "
           "with the reason beside in NAME.reason, and exit code 1 with --once.",
       .examples = {"salus audit append events.ndjson --source ehr-1 --data /srv/salus "
                    "--receipts receipts.jsonl",
                    "producer | salus audit append - --source ehr-1 --data /srv/salus",
                    "salus audit append --watch /var/spool/salus --source ehr-1 --data /srv/salus"},
       .flags =
           With({{"--source", FlagKind::kText, "ID", "whose events these are (with --data)"},
                 {"--watch", FlagKind::kText, "SPOOL", "take files from this folder, for ever"},
                 {"--once", FlagKind::kSwitch, "", "with --watch: take what is there, and stop"},
                 {"--senders", FlagKind::kText, "DIR",
                  "with --watch: certificates of those who may send (SPOOL/certificates)"},
                 {"--allow-plain", FlagKind::kSwitch, "",
                  "with --watch: take files that are not signed and encrypted too"}},
                {InputFlags(), PlaceFlags(), OutputFlags()}),
       .positionals = {{"FILE", "input; - or none: the standard input", false}},
       .run = RunAuditAppend});
  all.push_back({.noun = "audit",
                 .verb = "send",
                 .summary = "Send events to a server; resumes after a broken connection",
                 .details =
                     "The identity of --as is the source. Every answer is checked: each event is "
                     "opened and compared, each receipt verified.\nA run that broke off is gone on "
                     "with by the same command: what was answered is noted (for a named FILE, in "
                     "the state directory until all of it is answered; with --journal, in that "
                     "file, which stays).\nFHIR is sent as one resource a line: a Bundle is cut "
                     "up, its line feeds become spaces.",
                 .examples = {"salus audit send events.ndjson --server clinic --as ./ehr "
                              "--receipts receipts.jsonl"},
                 .flags = With({{"--journal", FlagKind::kText, "FILE",
                                 "note here what was answered, and go on from there"}},
                               {InputFlags(), ViaFlag(), PlaceFlags(), OutputFlags()}),
                 .positionals = {{"FILE", "input; - or none: the standard input", false}},
                 .run = RunAuditSend});
  all.push_back({.noun = "audit",
                 .verb = "reconcile",
                 .summary = "Compare a source's receipts with the log",
                 .details =
                     "Each receipt's signature, each event's place and hash: what was changed, "
                     "removed or withheld since, and what was filed under another patient. A "
                     "server proves the last to the source itself only (--as); without it that is "
                     "not checked, and said.",
                 .examples = {"salus audit reconcile --receipts receipts.jsonl --server clinic "
                              "--as ./ehr",
                              "salus audit reconcile --receipts receipts.jsonl --sample 1% --data "
                              "/srv/salus"},
                 .flags = With({{"--receipts", FlagKind::kText, "FILE", "kept by append or send"},
                                {"--sample", FlagKind::kText, "PERCENT",
                                 "compare only so many of the events, drawn by chance"}},
                               {PlaceFlags(), OutputFlags()}),
                 .positionals = {},
                 .run = RunAuditReconcile});
}

void AddReading(std::vector<Command>& all) {
  all.push_back(
      {.noun = "audit",
       .verb = "query",
       .summary = "Who looked: a patient's own history, or an auditor's patients",
       .details =
           "Always verified; what is not proven is not shown. The question itself becomes an "
           "entry that the patient sees; an auditor who names no patient asks for all of its "
           "mandate with one entry, in the mandate's own chain. Break-glass accesses are marked.\n"
           "An officer reads the events that concern no patient.",
       .examples =
           {"salus audit query --as ./ana --data /srv/salus",
            "salus audit query --as ./auditco --patient p-17 --from 2026-03-01 --action print "
            "--server clinic --save evidence.salus",
            "salus audit query --queries --as ./ana --server clinic"},
       .flags = With({{"--patient", FlagKind::kList, "ID", "whose history (auditors); repeatable"},
                      {"--system", FlagKind::kText, "SYSTEM", "naming system of the ids"},
                      {"--from", FlagKind::kText, "TIME", "from this day or instant (RFC 3339)"},
                      {"--to", FlagKind::kText, "TIME", "to this day, inclusive, or instant"},
                      {"--action", FlagKind::kText, "ACTION",
                       "create, read, delete, change, query, print or copy"},
                      {"--user", FlagKind::kText, "USER", "only this user's accesses"},
                      {"--purpose", FlagKind::kText, "TEXT", "why; stands in the question's entry"},
                      {"--queries", FlagKind::kSwitch, "",
                       "show who asked, about a whole mandate too, instead of accesses"},
                      {"--save", FlagKind::kText, "FILE", "keep the evidence; verifies offline"}},
                     {ViaFlag(), PlaceFlags(), OutputFlags()}),
       .positionals = {},
       .run = RunAuditQuery});
  all.push_back(
      {.noun = "audit",
       .verb = "readers",
       .summary = "Who can or could read a patient's history, since when",
       .details = "With the patient's own --as it is read from the patient's verified chain: the "
                  "mandates in it, also ended ones (until), whom the days' keys were given to "
                  "(they are kept when a mandate ends), the custodians of before the patient had "
                  "a key, and which past days were opened. A key given to a reader whom no mandate "
                  "covers is exit code 3. The question is recorded as a query is.\nWithout --as a "
                  "data directory is believed, and tells who can read now.",
       .examples = {"salus audit readers --as ./ana --server clinic",
                    "salus audit readers --patient p-17 --data /srv/salus"},
       .flags = With({{"--patient", FlagKind::kText, "ID", "the patient (without --as)"},
                      {"--system", FlagKind::kText, "SYSTEM", "naming system of the id"}},
                     {PlaceFlags(), OutputFlags()}),
       .positionals = {},
       .run = RunAuditReaders});
  all.push_back(
      {.noun = "audit",
       .verb = "share",
       .summary = "Open past days to an auditor (the patient's own act)",
       .details = "A mandate works forward only. This re-seals the keys of these days, on the "
                  "patient's machine, to the auditor: to the key that the mandate in the patient's "
                  "own verified chain names, or to the certificate that the auditor handed over.",
       .examples = {"salus audit share --with auditco --from 2026-01-01 --to 2026-01-31 --as ./ana "
                    "--data /srv/salus"},
       .flags = With({{"--with", FlagKind::kText, "AUDITOR", "the auditor's id"},
                      {"--certificate", FlagKind::kText, "FILE",
                       "the auditor's certificate, instead of the mandate's key"},
                      {"--system", FlagKind::kText, "SYSTEM", "naming system of the patient's id"},
                      {"--from", FlagKind::kText, "DAY", "first day"},
                      {"--to", FlagKind::kText, "DAY", "last day"}},
                     {PlaceFlags()}),
       .positionals = {},
       .run = RunAuditShare});
  all.push_back(
      {.noun = "audit",
       .verb = "verify",
       .summary = "Verify an evidence file, or everything in a data directory or at a server",
       .details =
           "With --data: every entry, tile, map root, checkpoint, index and control row. Names "
           "every damage: what, where, since when. At a server: what it shows to whom --as names: "
           "hashes to everybody, entries to followers, and to map verifiers which chain each entry "
           "is in, so that the map is replayed.",
       .examples = {"salus audit verify --data /srv/salus",
                    "salus audit verify --as ./verifier --server clinic",
                    "salus audit verify evidence.salus --as ./ana --server clinic"},
       .flags = With({}, {PlaceFlags(), OutputFlags()}),
       .positionals = {{"FILE", "evidence of audit query --save", false}},
       .run = RunAuditVerify});
}

}  // namespace

void AddAuditCommands(std::vector<Command>& all) {
  AddIngest(all);
  AddReading(all);
}

}  // namespace salus::cli
