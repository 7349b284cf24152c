#include "apps/salus/command_line.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <deque>
#include <map>

#include "apps/salus/terminal.h"
#include "apps/salus/version.h"
#include "seal/secret_text.h"

namespace salus::cli {

namespace {

constexpr char kAbout[] =
    "salus: who looked at which health record, provably.\n"
    "Exit codes: 0 done; 1 failed, or some input was refused; 2 wrong usage;\n"
    "3 verification failed: something was tampered with, withheld or forged.";

const std::map<std::string, std::string> kNouns = {
    {"identity", "Keys and certificates of people and systems"},
    {"patient", "Registered patients"},
    {"auditor", "Registered audit companies"},
    {"source", "Systems that may send events"},
    {"mandate", "Which patients an auditor may read"},
    {"audit", "Access events: send, query, verify"},
    {"log", "The log itself: checkpoints, proofs, checks, export"},
    {"custody", "Keys of patients who had none"},
    {"aggregate", "Add up people's numbers without showing them"},
    {"officer", "The data protection officer"},
    {"aggregate task", "Studies between two aggregators that nobody has to trust (DAP)"},
    {"aggregate keys", "The keys that reports are sealed to"},
};

// Slot is where CLI11 puts the values of one command.
struct Slot {
  const Command* command;
  CLI::App* app;
  std::map<std::string, std::vector<std::string>> texts;
  std::map<std::string, bool> switches;
};

std::string Footer(const Command& command) {
  std::string text = command.details;
  if (!command.examples.empty()) {
    text += text.empty() ? "Examples:" : "\n\nExamples:";
    for (const std::string& example : command.examples) text += "\n  " + example;
  }
  return text;
}

void AddOptions(Slot& slot) {
  for (const Flag& flag : slot.command->flags) {
    const std::string names =
        flag.short_name.empty() ? flag.name : flag.short_name + "," + flag.name;
    if (flag.kind == FlagKind::kSwitch) {
      slot.app->add_flag(names, slot.switches[flag.name], flag.help);
      continue;
    }
    CLI::Option* option = slot.app->add_option(names, slot.texts[flag.name], flag.help);
    option->type_name(flag.value)->expected(1)->allow_extra_args(false);
    option->multi_option_policy(flag.kind == FlagKind::kList ? CLI::MultiOptionPolicy::TakeAll
                                                             : CLI::MultiOptionPolicy::Throw);
  }
  for (const Positional& positional : slot.command->positionals) {
    CLI::Option* option =
        slot.app->add_option(positional.name, slot.texts[positional.name], positional.help);
    option->type_name("")->required(positional.is_required);
    if (positional.is_list) {
      option->expected(-1)->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    } else {
      option->expected(1)->allow_extra_args(false);
    }
  }
}

Arguments Collect(const Slot& slot) {
  Arguments arguments;
  for (const auto& [name, values] : slot.texts) {
    for (const std::string& value : values) arguments.Add(name, value);
  }
  for (const auto& [name, is_set] : slot.switches) {
    if (is_set) arguments.Add(name, "");
  }
  return arguments;
}

// SayWhatIsWrong names the candidates where a noun or verb is not known, or missing.
void SayWhatIsWrong(const CLI::App& root, const CLI::ParseError& error) {
  const CLI::App* at = &root;
  std::string name = "salus";
  while (!at->get_subcommands().empty()) {
    at = at->get_subcommands().front();
    name += " " + at->get_name();
  }
  std::string candidates;
  for (const CLI::App* one : at->get_subcommands({})) {
    candidates += (candidates.empty() ? "" : ", ") + one->get_name();
  }
  const std::vector<std::string> rest = at->remaining();
  const bool is_option = !rest.empty() && rest.front().starts_with('-');
  std::string wrong = error.what();
  if (is_option) {
    wrong = rest.front() + ": there is no such option";
  } else if (!candidates.empty()) {
    wrong = (rest.empty() ? "'" + name + "' needs a verb" : rest.front() + ": no such command") +
            "; there are: " + candidates;
  }
  Terminal terminal;
  terminal.Fail(wrong);
  terminal.Say("run '" + name + " --help' for help");
}

}  // namespace

std::string NounSummary(const std::string& noun) {
  const auto found = kNouns.find(noun);
  return found == kNouns.end() ? std::string() : found->second;
}

ParsedLine ParseCommandLine(int argc, char** argv, const std::vector<Command>& commands) {
  // Before anything that might repeat what stands there.
  for (int i = 1; i < argc; ++i) {
    const Result<void> open = seal::RefuseSecretText(argv[i]);
    if (open) continue;
    Terminal().Fail(open.error().message);
    return {nullptr, {}, ExitCode::kUsage};
  }
  CLI::App root(kAbout, "salus");
  root.require_subcommand(0, 1);
  root.set_version_flag("--version", std::string("salus ") + kVersion);
  std::string man_noun;
  CLI::Option* const man = root.add_option("--help-man", man_noun,
                                           "print the manual page (roff); =NOUN: that of one noun");
  man->expected(0, 1)->type_name("");
  root.footer("Run 'salus NOUN --help' or 'salus NOUN VERB --help' for more, with examples.");

  std::map<std::string, CLI::App*> nouns;
  std::deque<Slot> slots;
  for (const Command& command : commands) {
    // All words but the last are groups of commands: "aggregate task new".
    CLI::App* parent = &root;
    const std::string full_name = command.FullName();
    std::size_t begin = 0;
    for (std::size_t end; (end = full_name.find(' ', begin)) != std::string::npos;
         begin = end + 1) {
      const std::string group = full_name.substr(0, end);
      CLI::App*& app = nouns[group];
      if (app == nullptr) {
        app = parent->add_subcommand(full_name.substr(begin, end - begin), kNouns.at(group));
        app->require_subcommand(1);
      }
      parent = app;
    }
    CLI::App* app = parent->add_subcommand(full_name.substr(begin), command.summary);
    app->footer(Footer(command));
    slots.push_back({&command, app, {}, {}});
    AddOptions(slots.back());
  }

  try {
    root.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) {
      root.exit(error);
      return {};
    }
    SayWhatIsWrong(root, error);
    return {nullptr, {}, ExitCode::kUsage};
  }
  if (!man->empty()) {
    const std::string page = ManPage(commands, man_noun);
    std::fputs(page.c_str(), stdout);
    return {nullptr, {}, page.empty() ? ExitCode::kUsage : ExitCode::kDone};
  }
  for (const Slot& slot : slots) {
    if (slot.app->parsed()) return {slot.command, Collect(slot), ExitCode::kDone};
  }
  std::fputs(root.help().c_str(), stderr);
  return {nullptr, {}, ExitCode::kUsage};
}

}  // namespace salus::cli
