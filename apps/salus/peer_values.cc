#include "apps/salus/peer_values.h"

#include <fmt/format.h>
#include <unistd.h>

#include <charconv>

#include "apps/salus/aggregate_commands.h"
#include "apps/salus/passphrase_prompt.h"
#include "apps/salus/secret_access.h"
#include "codec/hex.h"

namespace salus::cli {

namespace {

constexpr std::size_t kMaxLineBytes = 64;
constexpr char kWhat[] = "the value";

std::string Range(const aggregate::PeerRoster& roster) {
  const aggregate::PeerRosterFields& fields = roster.fields();
  return fmt::format("from {} to {}{}{}", fields.minimum, fields.maximum,
                     fields.unit.empty() ? "" : " ", fields.unit);
}

Result<std::int64_t> ParseValue(std::string_view text) {
  std::int64_t value = 0;
  const char* const last = text.data() + text.size();
  const auto [end, failed] = std::from_chars(text.data(), last, value);
  if (failed != std::errc() || end != last) return InvalidArgument("a value is a whole number");
  return value;
}

Result<std::vector<std::int64_t>> TypedValues(const aggregate::PeerRoster& roster) {
  std::vector<std::int64_t> out;
  for (std::size_t i = 0; i < roster.values(); ++i) {
    const std::string which =
        roster.values() == 1 ? "Your value" : fmt::format("Value {} of {}", i + 1, roster.values());
    const std::string prompt = fmt::format("{}, {} (not shown): ", which, Range(roster));
    TRY(const SecretBytes line,
        AskHidden(prompt.c_str(), kWhat, "pipe the value in, with --value -"));
    TRY(const std::int64_t value, ParseValue(AsText(line.view(CliSecrets::Token()))));
    out.push_back(value);
  }
  return out;
}

Result<std::vector<std::int64_t>> PipedValues(std::size_t count) {
  std::vector<std::int64_t> out;
  while (out.size() < count) {
    TRY(const SecretBytes line, ReadSecretLine(STDIN_FILENO, kMaxLineBytes, kWhat));
    TRY(const std::int64_t value, ParseValue(AsText(line.view(CliSecrets::Token()))));
    out.push_back(value);
  }
  return out;
}

void ShowQuestion(Session& session, const aggregate::PeerRoster& roster, aggregate::PeerId self,
                  const std::string& host) {
  Terminal& terminal = session.terminal();
  const aggregate::PeerRosterFields& fields = roster.fields();
  std::vector<std::string> others;
  for (aggregate::PeerId party = 0; party < roster.size() && others.size() < 10; ++party) {
    if (party != self) others.push_back(roster.Name(party));
  }
  const std::size_t more = roster.size() - 1 - others.size();
  terminal.Say(fields.title, Colour::kBold);
  terminal.Say("  what for    " + fields.purpose);
  terminal.Say(fmt::format("  host        {}, certificate {}", host,
                           codec::HexEncode(fields.host_fingerprint)));
  terminal.Say("  roster      " + codec::HexEncode(roster.hash()));
  terminal.Say("  result      " + QuestionOf(roster));
  terminal.Say(fmt::format("  with you    {}{}", fmt::join(others, ", "),
                           more == 0 ? "" : fmt::format(" and {} more", more)));
  terminal.Say(fmt::format("  you are     {}; the sum needs at least {} values", roster.Name(self),
                           fields.minimum_parties));
  // A sum of m values shows one of them to whoever knows the others; half of all shares show all.
  terminal.Say(fields.threshold
                   ? fmt::format("  hidden      unless {} of all parties put their shares together",
                                 aggregate::ThresholdDegree(roster.size()) + 1)
                   : fmt::format("  hidden      unless {} others work together with the host",
                                 fields.minimum_parties - 1));
  if (fields.statistic != aggregate::PeerStatistic::kSum) {
    terminal.Say("  mind        of few people these figures say more of each than a sum does");
  }
  terminal.Say("  leaves here your value in shares, none of which says anything by itself");
}

}  // namespace

Result<std::vector<std::int64_t>> PartyValues(Session& session,
                                              const aggregate::PeerRoster& roster) {
  const std::vector<std::string> given = session.arguments().List("--value");
  Result<std::vector<std::int64_t>> values = std::vector<std::int64_t>();
  if (given.empty()) {
    values = TypedValues(roster);
  } else if (given.size() == 1 && given.front() == "-") {
    values = PipedValues(roster.values());
  } else {
    for (const std::string& text : given) {
      const Result<std::int64_t> value = ParseValue(text);
      if (!value) return session.Usage("--value: " + value.error().message);
      values->push_back(*value);
    }
  }
  if (!values) return values;
  const auto fits = roster.Measure(*values);
  if (!fits) return session.Usage(fits.error().message);
  return values;
}

Result<void> AskConsent(Session& session, const aggregate::PeerRoster& roster,
                        aggregate::PeerId self, const std::string& host) {
  ShowQuestion(session, roster, self, host);
  if (session.arguments().Has("--yes")) return {};
  const Result<SecretBytes> answer =
      AskHidden("Take part? Type yes: ", "the answer", "say that you agree with --yes");
  if (!answer && answer.error().code == ErrorCode::kFailedPrecondition) return answer.error();
  if (answer && AsText(answer->view(CliSecrets::Token())) == "yes") return {};
  return FailedPrecondition("you did not agree: nothing was sent");
}

}  // namespace salus::cli
