#include "apps/salus/command.h"

namespace salus::cli {

namespace {

// A leading dot or quote would be a request, a hyphen would become a dash.
std::string Roff(std::string_view text) {
  std::string out;
  bool at_line_start = true;
  for (const char c : text) {
    if (at_line_start && (c == '.' || c == '\'')) out += "\\&";
    if (c == '\\') {
      out += "\\e";
    } else if (c == '-') {
      out += "\\-";
    } else {
      out += c;
    }
    at_line_start = c == '\n';
  }
  return out;
}

void AppendCommand(const Command& command, std::string& out) {
  out += ".SS \"salus " + Roff(command.FullName());
  for (const Positional& positional : command.positionals) {
    const std::string name = positional.name + (positional.is_list ? "..." : "");
    out += positional.is_required ? " " + name : " [" + name + "]";
  }
  out += "\"\n" + Roff(command.summary) + ".\n";
  if (!command.details.empty()) out += ".PP\n" + Roff(command.details) + "\n";
  for (const Positional& positional : command.positionals) {
    out += ".TP\n.I " + positional.name + "\n" + Roff(positional.help) + "\n";
  }
  for (const Flag& flag : command.flags) {
    out += ".TP\n.BR ";
    if (!flag.short_name.empty()) out += Roff(flag.short_name) + " \", \" ";
    out += Roff(flag.name);
    if (!flag.value.empty()) out += " \" \" \\fI" + Roff(flag.value) + "\\fR";
    out += "\n" + Roff(flag.help) + "\n";
  }
  if (command.examples.empty()) return;
  out += ".PP\nExamples:\n.PP\n.nf\n.RS\n";
  for (const std::string& example : command.examples) out += Roff(example) + "\n";
  out += ".RE\n.fi\n";
}

void AppendEnd(std::string& out) {
  out +=
      ".SH EXIT STATUS\n"
      ".TP\n.B 0\ndone\n"
      ".TP\n.B 1\nit failed, or some input was refused\n"
      ".TP\n.B 2\nwrong usage\n"
      ".TP\n.B 3\nverification failed: something was tampered with, withheld or forged\n";
}

std::string NounPage(const std::vector<Command>& commands, const std::string& noun) {
  std::string body;
  std::string summary = NounSummary(noun);
  for (const Command& command : commands) {
    if (command.noun != noun) continue;
    if (summary.empty()) summary = command.summary;
    AppendCommand(command, body);
  }
  if (body.empty()) return body;
  std::string upper = noun;
  for (char& c : upper) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  std::string out = ".TH SALUS\\-" + Roff(upper) +
                    " 1 \"\" \"salus\" \"User commands\"\n.SH NAME\n" + "salus\\-" + Roff(noun) +
                    " \\- " + Roff(summary) + "\n.SH COMMANDS\n" + body;
  AppendEnd(out);
  return out + ".SH SEE ALSO\n.BR salus (1), salusd (1)\n";
}

}  // namespace

std::string ManPage(const std::vector<Command>& commands, const std::string& noun) {
  if (!noun.empty()) return NounPage(commands, noun);
  std::string out =
      ".TH SALUS 1 \"\" \"salus\" \"User commands\"\n"
      ".SH NAME\nsalus \\- who looked at which health record, provably\n"
      ".SH SYNOPSIS\n.B salus\n.I NOUN VERB\n[options]\n"
      ".SH DESCRIPTION\n"
      "salus works on a data directory (\\-\\-data) or against a server (\\-\\-server). Only\n"
      "results go to the standard output; progress and messages go to the standard error.\n"
      ".SH COMMANDS\n";
  for (const Command& command : commands) AppendCommand(command, out);
  out +=
      ".SH ENVIRONMENT\n"
      ".TP\n.B SALUS_DATA\nstands for \\-\\-data\n"
      ".TP\n.B SALUS_SERVER\nstands for \\-\\-server\n"
      ".TP\n.B SALUS_AS\nstands for \\-\\-as\n"
      ".TP\n.B NO_COLOR\nwhen set, nothing is coloured\n"
      ".SH FILES\n"
      ".TP\n.I $XDG_CONFIG_HOME/salus/servers/\nservers that were connected, with what was pinned\n"
      ".TP\n.I $XDG_STATE_HOME/salus/\nthe last verified checkpoint and chains of each log\n";
  AppendEnd(out);
  return out + ".SH SEE ALSO\n.BR salusd (1)\n";
}

}  // namespace salus::cli
