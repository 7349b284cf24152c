// salus aggregate: sums over people who show nobody their numbers.

#include "apps/salus/aggregate_commands.h"

namespace salus::cli {

namespace {

const std::vector<Flag>& IdentityFlags() {
  static const std::vector<Flag> flags = {
      {"--as", FlagKind::kText, "DIR", "identity directory to act as [SALUS_AS]"},
      {"--passphrase", FlagKind::kSwitch, "", "ask for the identity's passphrase"},
      {"--passphrase-file", FlagKind::kText, "FILE", "read the identity's passphrase from a file"},
  };
  return flags;
}

const std::vector<Flag>& SessionFlags() {
  static const std::vector<Flag> flags = {
      {"--roster", FlagKind::kText, "FILE", "what `salus aggregate roster` made"},
      {"--transcript", FlagKind::kText, "FILE",
       "keep every signed message in a new file, for `salus aggregate check`"},
      {"--events", FlagKind::kSwitch, "", "tell the progress as a JSON object a line"},
  };
  return flags;
}

std::vector<Flag> QuantileFlag() {
  return {{"--quantile", FlagKind::kList, "SHARE,...",
           "of a histogram, in place of the quartiles: 0.1,0.5,0.9, or 10%"}};
}

constexpr char kDeviated[] =
    "somebody did not follow the protocol, or this is the roster of another session; above "
    "stands who, and what they did. Keep the "
    "transcript: "
    "it proves it to everybody.";

constexpr char kExitCodes[] =
    "\nExit code 1: no result, since somebody was lost or too few are left, or another failure; 3: "
    "no result, since somebody did not follow the protocol. Who it was stands in the messages.";

Command RosterCommand() {
  return {
      .noun = "aggregate",
      .verb = "roster",
      .summary = "Say who takes part in a sum, and what is summed",
      .details =
          "CERT is a certificate in PEM, or an identity directory; `salus identity new "
          "--self-signed` makes one where no authority is at hand. The roster names each by its "
          "fingerprint, and that is whom host and parties believe.\n"
          "All who joined must stay; in return the host and all the others but one learn of the "
          "last two no more than what they say together. With a threshold about a quarter may be "
          "lost after they have shared their value, but in the step of the coins, and half of all "
          "together could learn every value. A variance, histogram or regression of few people "
          "says more of each than a sum does.",
      .examples = {"salus aggregate roster --title \"Height\" --purpose \"course project\" --unit "
                   "cm --range 30:272 --party alice --party bob --party charlie --host hospital "
                   "-o roster.json"},
      .flags = {{"--title", FlagKind::kText, "TEXT", "what the sum is called"},
                {"--purpose", FlagKind::kText, "TEXT", "what it is for; parties agree to that"},
                {"--statistic", FlagKind::kText, "NAME",
                 "sum (default; and the mean), variance, histogram, regression"},
                {"--unit", FlagKind::kText, "UNIT", "of the values, such as cm"},
                {"--range", FlagKind::kText, "LOW:HIGH", "of each value, both included"},
                {"--bucket", FlagKind::kText, "N", "width of a histogram's buckets (default 1)"},
                {"--inputs", FlagKind::kText, "N",
                 "values that explain the last one in a regression (default 1)"},
                {"--party", FlagKind::kList, "CERT[,NAME]", "a party, 3 to 255 of them"},
                {"--host", FlagKind::kText, "CERT", "the host, who is none of them"},
                {"--trust", FlagKind::kText, "ROOTS.pem",
                 "all certificates must lead to one of these authorities"},
                {"--threshold", FlagKind::kSwitch, "", "a lost party does not stop the sum"},
                {"--min-parties", FlagKind::kText, "N",
                 "fewer values than that are not added up (default: all but one)"},
                {"--join-time", FlagKind::kText, "TIME", "to join, such as 10m (default) or 2d"},
                {"--step-time", FlagKind::kText, "TIME", "for each later step (default 1m)"},
                {"--output", FlagKind::kText, "FILE", "write the roster here", "-o"}},
      .positionals = {},
      .run = RunAggregateRoster};
}

Command HostCommand() {
  return {.noun = "aggregate",
          .verb = "host",
          .summary = "Bring the parties of a roster together, and learn the result",
          .details =
              "The host passes on what parties send each other, which it can't open, and adds up "
              "what they give it in the end. It waits for nobody longer than the roster says.\n"
              "With --data or --server the log says that the sum takes place, before anybody takes "
              "part, and then its result, with the hash of the transcript: `salus log tasks` "
              "lists it. A log that can't say it stops the session before it begins. The flags "
              "count here, and not the environment." +
              std::string(kExitCodes),
          .examples = {"salus aggregate host --roster roster.json --as hospital --listen "
                       "0.0.0.0:7443 --transcript session.transcript",
                       "salus aggregate host --roster roster.json --as registry --listen "
                       "0.0.0.0:7443 --transcript session.transcript --server clinic"},
          .flags = With({{"--listen", FlagKind::kText, "ADDR:PORT", "where parties connect to"}},
                        {SessionFlags(), QuantileFlag(), PlaceFlags(), OutputFlags()}),
          .positionals = {},
          .run = RunAggregateHost,
          .tampered_advice = kDeviated};
}

Command JoinCommand() {
  return {
      .noun = "aggregate",
      .verb = "join",
      .summary = "Take part in a sum, and show nobody the own number",
      .details =
          "Shows what is asked, and asks whether you agree; then the value leaves in shares, each "
          "sealed to another party. Without --value it is asked for, and not shown: what stands in "
          "the command line can be read by every user of the machine, and stays in the shell's "
          "history. --value - reads it from the standard input. A host that does not answer "
          "within ten seconds is given up, but with --wait.\n"
          "--cheat is for demonstrations and tests: it makes this party break the protocol (share "
          "10^9 more than the value, send a wrong sum, or die in place of a step's message), to "
          "show that the others notice." +
          std::string(kExitCodes),
      .examples = {"salus aggregate join --roster roster.json --as alice --host "
                   "https://hospital.example:7443",
                   "salus aggregate join --roster roster.json --as alice --host "
                   "https://127.0.0.1:7443 --value 170 --yes"},
      .flags = With({{"--host", FlagKind::kText, "URL", "where the host listens"},
                     {"--value", FlagKind::kList, "NUMBER|-",
                      "what to add to the sum; several for a regression, the last is explained"},
                     {"--yes", FlagKind::kSwitch, "", "agree to what the roster asks for"},
                     {"--wait", FlagKind::kSwitch, "",
                      "wait for a host that is not there yet, until the time to join is over"},
                     {"--cheat", FlagKind::kText, "value|sum|crash=STEP",
                      "for demonstrations: break the protocol"}},
                    {SessionFlags(), QuantileFlag(), IdentityFlags(), OutputFlags()}),
      .positionals = {},
      .run = RunAggregateJoin,
      .tampered_advice = kDeviated};
}

Command CheckCommand() {
  return {
      .noun = "aggregate",
      .verb = "check",
      .summary = "Check the transcript of a sum again, and name who deviated",
      .details =
          "Runs every check again that needs no secret: signatures, order, commitments, coins, "
          "proofs, partial sums, and the result. Whose transcript it is makes no difference.\n"
          "With --task it is what leader and helper of a task said to each other, which each of "
          "them keeps in its data directory (aggregate/transcripts/): who signed what, that "
          "each report counts once, and that what was collected is what was counted.\n"
          "Exit code 0: everything fits, and above the figures stands who was left out, and "
          "why. 1: the file is no transcript, or is of a session that ended without a result: "
          "somebody was lost, or stopped. 3: somebody did not follow the protocol, or somebody "
          "changed the file; the message says who, or where.",
      .examples = {"salus aggregate check session.transcript --roster roster.json",
                   "salus aggregate check alice.transcript --with session.transcript --roster "
                   "roster.json",
                   "salus aggregate check TASK.transcript --task task.json --leader hospital "
                   "--helper regulator"},
      .flags = With({{"--roster", FlagKind::kText, "FILE", "the roster that you were given"},
                     {"--fingerprint", FlagKind::kText, "SHA256",
                      "of the host's certificate, in place of a roster"},
                     {"--with", FlagKind::kList, "TRANSCRIPT",
                      "another party's, to see that both were told the same"},
                     {"--task", FlagKind::kText, "FILE",
                      "any file of the task: the transcript is one of leader or helper"},
                     {"--leader", FlagKind::kText, "SERVER|KEY",
                      "whose signatures the leader's are: a pinned server, or a receipt key"},
                     {"--helper", FlagKind::kText, "SERVER|KEY", "the helper's, likewise"}},
                    {QuantileFlag(), OutputFlags()}),
      .positionals = {{"TRANSCRIPT", "what --transcript kept", true}},
      .run = RunAggregateCheck,
      .tampered_advice = kDeviated};
}

Command ReleaseCommand() {
  return {.noun = "aggregate",
          .verb = "release",
          .summary = "Say in the log what came of a sum, where its host could not",
          .details =
              "For a host whose log was away when the session ended. The transcript is checked "
              "again first; the sum must have been announced.",
          .examples = {"salus aggregate release session.transcript --roster roster.json --as "
                       "registry --server clinic"},
          .flags = With({{"--roster", FlagKind::kText, "FILE", "of the session"}}, {PlaceFlags()}),
          .positionals = {{"TRANSCRIPT", "what --transcript kept", true}},
          .run = RunAggregateRelease,
          .tampered_advice = kDeviated};
}

Command DemoCommand() {
  return {.noun = "aggregate",
          .verb = "demo",
          .summary = "Three patients, a hospital, and the sum of heights that nobody shows",
          .details =
              "Plays the course's exercise on this machine: each person a process with its own key "
              "and certificate, over mutual TLS, and tells what each one sends and can know. With "
              "a twist the last person misbehaves, and the others notice. As CSV only the figures "
              "are printed.",
          .examples = {"salus aggregate demo", "salus aggregate demo --with-liar",
                       "salus aggregate demo --with-crash --threshold",
                       "salus aggregate demo --with-eavesdropper --folder ./played"},
          .flags = With({{"--with-liar", FlagKind::kSwitch, "", "one shares a height of 10^9"},
                         {"--with-crash", FlagKind::kSwitch, "", "one dies in the middle"},
                         {"--with-lying-sum", FlagKind::kSwitch, "", "one adds up wrongly"},
                         {"--with-eavesdropper", FlagKind::kSwitch, "",
                          "somebody records the network, and tells what it heard"},
                         {"--threshold", FlagKind::kSwitch, "", "the sum survives a loss"},
                         {"--parties", FlagKind::kText, "N", "how many people, 3 to 255"},
                         {"--folder", FlagKind::kText, "DIR",
                          "keep keys, transcripts, and what was captured, in a new folder"}},
                        {OutputFlags()}),
          .positionals = {},
          .run = RunAggregateDemo};
}

}  // namespace

void AddAggregateCommands(std::vector<Command>& all) {
  all.push_back(DemoCommand());
  all.push_back(RosterCommand());
  all.push_back(HostCommand());
  all.push_back(JoinCommand());
  all.push_back(CheckCommand());
  all.push_back(ReleaseCommand());
}

}  // namespace salus::cli
