// salus init, connect, status.

#include <fmt/format.h>

#include <charconv>

#include "apps/salus/session.h"
#include "client/pinned_server.h"
#include "node/node.h"
#include "pki/certificate.h"

namespace salus::cli {

namespace {

Result<std::uint16_t> PortOf(Session& session, const std::string& flag, std::uint16_t otherwise) {
  const std::string text = session.arguments().Text(flag);
  if (text.empty()) return otherwise;
  unsigned value = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool is_port = failed == std::errc() && end == text.data() + text.size() && value < 65'536;
  if (!is_port) return session.Usage(flag + ": a port is a number up to 65535");
  return static_cast<std::uint16_t>(value);
}

Result<ExitCode> RunInit(Session& session) {
  if (!session.is_data_place()) return session.Usage("--data DIR is required");
  node::InitOptions options;
  options.directory = session.data_directory();
  TRY(options.origin, session.Required("--origin"));
  if (session.arguments().Has("--dns")) options.dns_names = session.arguments().List("--dns");
  if (session.arguments().Has("--ip")) options.ip_names = session.arguments().List("--ip");
  TRY(options.public_port, PortOf(session, "--public-port", options.public_port));
  TRY(options.machine_port, PortOf(session, "--machine-port", options.machine_port));
  if (const Result<void> ok = pki::ValidateOrigin(options.origin); !ok) {
    return session.Usage("--origin: " + ok.error().message);
  }
  TRY(const node::InitReport report, node::Node::Init(options, session.clock(), session.random()));
  Terminal& terminal = session.terminal();
  terminal.Say("made " + options.directory + " for the log " + options.origin, Colour::kGreen);
  terminal.Say("next: move " + options.directory +
               "/root-offline to a medium that stays offline, and hand each folder of " +
               options.directory + "/custodians-offline to a different person");
  terminal.Say("to hand out:");
  fmt::print("salus connect {} --fingerprint {}", report.connect_url, report.root_fingerprint);
  if (options.public_port != node::InitOptions().public_port) {
    const std::size_t port = report.connect_url.rfind(':');
    fmt::print(" --public-url {}:{}", report.connect_url.substr(0, port), options.public_port);
  }
  fmt::print("\n");
  return ExitCode::kDone;
}

Result<ExitCode> RunConnect(Session& session) {
  TRY(const std::string fingerprint, session.Required("--fingerprint"));
  if (const auto ok = client::ParseFingerprint(fingerprint); !ok) {
    return session.Usage("--fingerprint: " + ok.error().message);
  }
  TRY(const std::string name, ConnectServer({.url = session.arguments().Text("URL"),
                                             .public_url = session.arguments().Text("--public-url"),
                                             .fingerprint = fingerprint,
                                             .name = session.arguments().Text("--name")}));
  session.terminal().Say("connected and pinned as " + name + ": use --server " + name,
                         Colour::kGreen);
  return ExitCode::kDone;
}

std::string_view StateName(HealthLine::State state) {
  switch (state) {
    case HealthLine::State::kGood:
      return "good";
    case HealthLine::State::kNotice:
      return "notice";
    case HealthLine::State::kBad:
      return "bad";
  }
  return "bad";
}

Result<ExitCode> RunStatus(Session& session) {
  TRY(const OutputFormat format, session.Format());
  TRY(Backend* const place, session.Place(Access::kRead));
  TRY(const std::vector<HealthLine> lines, place->Status());
  bool is_bad = false;
  ResultWriter writer(session.terminal(), format, {"what", "state", "is", "advice"});
  for (const HealthLine& line : lines) {
    const bool bad = line.state == HealthLine::State::kBad;
    is_bad = is_bad || bad;
    const Colour colour = bad                                        ? Colour::kRed
                          : line.state == HealthLine::State::kNotice ? Colour::kYellow
                                                                     : Colour::kNone;
    writer.Row({{"what", line.name},
                {"state", StateName(line.state)},
                {"is", line.text},
                {"advice", line.advice}},
               colour);
  }
  return is_bad ? ExitCode::kFailed : ExitCode::kDone;
}

}  // namespace

void AddPlaceCommands(std::vector<Command>& all) {
  all.push_back(
      {.noun = "init",
       .verb = "",
       .summary = "Make a data directory: log, certification authority, custodians, config",
       .details = "The directory must not exist, or be empty. The origin names the log for ever.",
       .examples = {"salus init --data /srv/salus --origin clinic.example/salus/2026",
                    "salus init --data ./try --origin localhost/try --dns localhost"},
       .flags = {{"--data", FlagKind::kText, "DIR", "directory to make [SALUS_DATA]"},
                 {"--origin", FlagKind::kText, "ORIGIN", "name of the log: host/organisation/year"},
                 {"--dns", FlagKind::kList, "NAME", "server's DNS name; may be repeated"},
                 {"--ip", FlagKind::kList, "ADDRESS", "server's IP address; may be repeated"},
                 {"--public-port", FlagKind::kText, "PORT",
                  "public reads (8443); 0: any free one, which salusd says"},
                 {"--machine-port", FlagKind::kText, "PORT", "mutual TLS (9443); likewise"}},
       .positionals = {},
       .run = RunInit});
  all.push_back({.noun = "connect",
                 .verb = "",
                 .summary = "First contact with a server: compare its root, and pin its log",
                 .details =
                     "The operator hands out the fingerprint (salus init printed it). Without "
                     "it nothing is believed.",
                 .examples = {"salus connect https://clinic.example:9443 --fingerprint 3f9c..."},
                 .flags = {{"--fingerprint", FlagKind::kText, "SHA256", "of the root certificate"},
                           {"--public-url", FlagKind::kText, "URL",
                            "where the log is read by everybody (the same host, port 8443)"},
                           {"--name", FlagKind::kText, "NAME", "short name for --server"}},
                 .positionals = {{"URL", "https://HOST:9443", true}},
                 .run = RunConnect});
  all.push_back(
      {.noun = "status",
       .verb = "",
       .summary = "Health of a data directory or server, and what to do",
       .details = "",
       .examples = {"salus status --data /srv/salus", "salus status --server clinic --json"},
       .flags = With({}, {PlaceFlags(), OutputFlags()}),
       .positionals = {},
       .run = RunStatus});
}

}  // namespace salus::cli
