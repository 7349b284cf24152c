// salus aggregate task, upload, collect, keys: studies between two aggregators.

#include "apps/salus/dap_commands.h"

namespace salus::cli {

namespace {

constexpr char kNotTheBatch[] =
    "an aggregator's share does not open, or is not of this batch: nothing of it is a result. Tell "
    "both aggregators.";

std::vector<Flag> NewTaskFlags() {
  return {{"--title", FlagKind::kText, "TEXT", "what is measured"},
          {"--purpose", FlagKind::kText, "TEXT", "what for; who takes part reads it"},
          {"--statistic", FlagKind::kText, "NAME",
           "sum, mean, histogram, vector, count, multihot, variance or regression"},
          {"--unit", FlagKind::kText, "UNIT", "of the values, such as cm"},
          {"--range", FlagKind::kText, "LOW:HIGH", "of each value, both included"},
          {"--buckets", FlagKind::kText, "N", "of a histogram (one a value)"},
          {"--length", FlagKind::kText, "N",
           "numbers of a vector, answers of a multihot, inputs of a regression"},
          {"--max-weight", FlagKind::kText, "N", "answers that one person may tick (all)"},
          {"--min-batch", FlagKind::kText, "N", "no result of fewer reports is given (100)"},
          {"--batch", FlagKind::kText, "KIND",
           "time-interval:1h (default; results of whole hours), or fixed:1000"},
          {"--expires", FlagKind::kText, "DAY|TIME", "takes reports until then (365d)"},
          {"--leader", FlagKind::kText, "URL", "where clients reach the leader"},
          {"--leader-machine", FlagKind::kText, "URL",
           "where the leader wants the collector's certificate"},
          {"--helper", FlagKind::kText, "NAME|URL", "the other aggregator"},
          {"--helper-root", FlagKind::kText, "ROOT.pem", "the authority of a URL's name"},
          {"--helper-machine", FlagKind::kText, "URL",
           "where the helper wants the leader's certificate"},
          {"--mutual-tls", FlagKind::kSwitch, "",
           "the leader shows a pinned helper its certificate (aggregate.identity)"},
          {"--version", FlagKind::kText, "18|09", "of DAP (18)"},
          {"--noise", FlagKind::kText, "KIND:EPSILON",
           "each aggregator adds noise to its share: laplace:0.5, or gaussian:0.5"},
          {"--study", FlagKind::kText, "NAME", "whose budget the noise spends"},
          {"--budget", FlagKind::kText, "AMOUNT",
           "what the study may spend: epsilon, or rho with gaussian"},
          {"--output", FlagKind::kText, "DIR", "a new folder for the files", "-o"}};
}

Command NewCommand() {
  return {
      .noun = "aggregate",
      .verb = "task new",
      .summary = "Open a study at its leader: what is asked of people, and what for",
      .details =
          "People's devices send each aggregator a share that says nothing by itself; who has the "
          "collector's file learns the result of a batch, and nobody learns a person's value "
          "unless both aggregators are hostile. Title, purpose and results are entries of the "
          "log.\nWrites a folder with task.json for all who take part, helper.json and "
          "collector.json (both secret). --helper is the name of a server that was pinned with "
          "`salus connect`, or a URL with --helper-root.",
      .examples =
          {"salus aggregate task new --title \"Body height\" --purpose \"How tall adults are\" "
           "--statistic mean --unit cm --range 30:272 --helper regulator -o heights --data "
           "/srv/salus",
           "salus aggregate task new --title Age --purpose \"Who comes to us\" --statistic "
           "histogram --range 0:119 --buckets 12 --batch fixed:1000 --noise laplace:0.5 --study "
           "ages --budget 2 --helper https://regulator.example:8443/dap --helper-root root.pem -o "
           "ages --server clinic --as ./officer"},
      .flags = With(NewTaskFlags(), {PlaceFlags()}),
      .positionals = {},
      .run = RunTaskNew};
}

Command AcceptCommand() {
  return {.noun = "aggregate",
          .verb = "task accept",
          .summary = "Take part in a study as its helper",
          .details =
              "FILE is what `salus aggregate task new` wrote for the helper. The study "
              "becomes an entry of this log too. At a server it takes an officer or a "
              "researcher.",
          .examples = {"salus aggregate task accept helper.json --data /srv/salus",
                       "salus aggregate task accept helper.json --server regulator --as ./officer"},
          .flags = PlaceFlags(),
          .positionals = {{"FILE", "the helper's file (secret)", true}},
          .run = RunTaskAccept};
}

Command ListCommand() {
  return {.noun = "aggregate",
          .verb = "task list",
          .summary = "List the studies of an aggregator, compared with its log",
          .details =
              "Says how old the key is that clients seal to. A study is open, closed (salus "
              "aggregate task close), or over: then its end lies aggregate.keep_days back, and the "
              "ids of its reports are forgotten. Its results are still there.",
          .examples = {"salus aggregate task list --server clinic --as ./officer"},
          .flags = With({}, {PlaceFlags(), OutputFlags()}),
          .positionals = {},
          .run = RunTaskList};
}

Command CloseCommand() {
  return {.noun = "aggregate",
          .verb = "task close",
          .summary = "Take no more reports of a study",
          .details = "What is there is still aggregated, and can be collected.",
          .examples = {"salus aggregate task close "
                       "8BY0RzZMzxvA46_8ymhzycOB9krN-QIGYvg_RsByGec --data /srv/salus",
                       "salus aggregate task close "
                       "8BY0RzZMzxvA46_8ymhzycOB9krN-QIGYvg_RsByGec --server clinic --as "
                       "./researcher"},
          .flags = PlaceFlags(),
          .positionals = {{"TASK", "the task's id", true}},
          .run = RunTaskClose};
}

Command UploadCommand() {
  return {.noun = "aggregate",
          .verb = "upload",
          .summary = "Report values to a study: nobody sees them, only what they add up to",
          .details =
              "Each value is cut in two shares on this machine, and each share sealed to its "
              "aggregator. --input is a CSV file (NAME.csv; all columns of a row are one person's) "
              "or a value a line as JSON. What stands in the command line can be read by every "
              "user of the machine.\n"
              "An upload that broke off (the network, a kill) is gone on with by the same command, "
              "and nobody counts twice, if it has a --journal: a new folder that holds the sealed "
              "reports that were not answered yet. It stays when all is answered, says so to who "
              "runs the command again, and can be removed then. Without one, what was not answered "
              "may be at the leader or not.",
          .examples = {"salus aggregate upload --task task.json --value 172",
                       "salus aggregate upload --task task.json --input heights.csv --journal "
                       "heights.upload"},
          .flags = With({{"--task", FlagKind::kText, "FILE", "task.json of the study"},
                         {"--value", FlagKind::kList, "NUMBER",
                          "one person's; several for a vector or a regression"},
                         {"--input", FlagKind::kText, "FILE", "many people's"},
                         {"--journal", FlagKind::kText, "DIR",
                          "note here what is not answered, and go on from there"}},
                        {OutputFlags()}),
          .positionals = {},
          .run = RunAggregateUpload};
}

Command CollectCommand() {
  return {
      .noun = "aggregate",
      .verb = "collect",
      .summary = "Learn what the reports of a batch add up to",
      .details =
          "A batch is collected once; the same question has the same answer. With --as the "
          "leader is asked where it wants certificates, as a researcher.",
      .examples = {"salus aggregate collect --task collector.json --interval "
                   "2026-12-01T10:00:00Z/2026-12-01T12:00:00Z --wait",
                   "salus aggregate collect --task collector.json --next --wait --json"},
      .flags = With({{"--task", FlagKind::kText, "FILE", "collector.json of the study (secret)"},
                     {"--interval", FlagKind::kText, "FROM/TO", "days, or times"},
                     {"--next", FlagKind::kSwitch, "", "the next batch of a fixed size"},
                     {"--wait", FlagKind::kSwitch, "", "wait until it is there"},
                     {"--timeout", FlagKind::kText, "TIME", "for how long (10m)"},
                     {"--transcript", FlagKind::kText, "FILE",
                      "add what the leader signed to a file, for `salus aggregate check --task`"},
                     {"--machine", FlagKind::kText, "URL", "where the leader wants certificates"},
                     {"--as", FlagKind::kText, "DIR", "identity directory to act as [SALUS_AS]"},
                     {"--passphrase", FlagKind::kSwitch, "", "ask for the identity's passphrase"},
                     {"--passphrase-file", FlagKind::kText, "FILE",
                      "read the identity's passphrase from a file"}},
                    {OutputFlags()}),
      .positionals = {},
      .run = RunAggregateCollect,
      .tampered_advice = kNotTheBatch};
}

Command RotateCommand() {
  return {
      .noun = "aggregate",
      .verb = "keys rotate",
      .summary = "Offer clients a new key to seal reports to",
      .details =
          "salusd does it by itself (aggregate.key_days in salus.toml); this does it now. The "
          "key before still opens what was sealed to it. A day later it is forgotten, unless "
          "a report waits for it, and a helper's four weeks after that: then nobody can open "
          "old reports any more. At a server this is an officer's act. Refused while the log does "
          "not trust the clock (salus log confirm-clock).",
      .examples = {"salus aggregate keys rotate --data /srv/salus",
                   "salus aggregate keys rotate --server clinic --as ./officer"},
      .flags = PlaceFlags(),
      .positionals = {},
      .run = RunKeysRotate};
}

}  // namespace

void AddAggregateDapCommands(std::vector<Command>& all) {
  all.push_back(NewCommand());
  all.push_back(AcceptCommand());
  all.push_back(ListCommand());
  all.push_back(CloseCommand());
  all.push_back(UploadCommand());
  all.push_back(CollectCommand());
  all.push_back(RotateCommand());
}

}  // namespace salus::cli
