// salus aggregate roster.

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <filesystem>

#include "apps/salus/aggregate_commands.h"
#include "codec/hex.h"
#include "pki/path.h"

namespace salus::cli {

namespace {

constexpr std::size_t kMaxPemBytes = std::size_t{1} << 20;
constexpr std::size_t kShownDigits = 16;
constexpr std::chrono::seconds kJoinTime{600};
constexpr std::chrono::seconds kStepTime{60};

// A number and a unit: 90s, 10m, 2h, 7d.
Result<std::chrono::seconds> TimeOr(Session& session, const std::string& flag,
                                    std::chrono::seconds otherwise) {
  if (!session.arguments().Has(flag)) return otherwise;
  const std::string text = session.arguments().Text(flag);
  std::uint32_t number = 0;
  const char* const last = text.data() + text.size();
  const auto [end, failed] = std::from_chars(text.data(), last, number);
  const std::string_view unit(end, static_cast<std::size_t>(last - end));
  std::chrono::seconds one{0};
  if (unit == "s") one = std::chrono::seconds(1);
  if (unit == "m") one = std::chrono::minutes(1);
  if (unit == "h") one = std::chrono::hours(1);
  if (unit == "d") one = std::chrono::days(1);
  if (failed != std::errc() || number == 0 || one.count() == 0) {
    return session.Usage(flag + ": a number with its unit, such as 90s, 10m, 2h or 7d");
  }
  return number * one;
}

Result<std::uint32_t> CountOr(Session& session, const std::string& flag, std::uint32_t otherwise) {
  if (!session.arguments().Has(flag)) return otherwise;
  const std::string text = session.arguments().Text(flag);
  std::uint32_t number = 0;
  const char* const last = text.data() + text.size();
  const auto [end, failed] = std::from_chars(text.data(), last, number);
  if (failed != std::errc() || end != last) return session.Usage(flag + ": a whole number");
  return number;
}

// LOW:HIGH; both may be negative.
Result<void> ReadRange(Session& session, aggregate::PeerRosterFields& fields) {
  TRY(const std::string text, session.Required("--range"));
  const char* const last = text.data() + text.size();
  const auto [colon, bad_low] = std::from_chars(text.data(), last, fields.minimum);
  if (bad_low == std::errc() && colon != last && *colon == ':') {
    const auto [end, bad_high] = std::from_chars(colon + 1, last, fields.maximum);
    if (bad_high == std::errc() && end == last && fields.minimum < fields.maximum) return {};
  }
  return session.Usage("--range: LOW:HIGH in whole numbers, both included, such as 30:272");
}

// CommonName is the name in a subject that holds nothing else, for people to read.
std::string CommonName(const pki::Certificate& certificate) {
  const std::string& subject = certificate.subject();
  if (!subject.starts_with("CN=") || subject.find_first_of(",+\\") != subject.npos) return "";
  return subject.substr(3);
}

class Members {
 public:
  Members(Session& session, std::optional<pki::TrustStore> trust)
      : session_(session), trust_(std::move(trust)) {}

  // Read takes FILE or DIR, and for a party what is to be shown of it: FILE,NAME.
  Result<aggregate::PeerEntry> Read(const std::string& text, pki::Purpose purpose) {
    const std::size_t comma = text.find(',');
    const std::string given = text.substr(0, comma);
    TRY(const std::vector<pki::Certificate> chain, ChainIn(given));
    const pki::Certificate& own = chain.front();
    const auto checked = Check(chain, purpose);
    if (!checked) return Error(checked.error()).WithContext(given);
    if (!own.p256_public_key()) {
      return InvalidArgument(given + ": its key is no P-256 key: salus identity new makes one");
    }
    aggregate::PeerEntry out;
    out.fingerprint = own.fingerprint();
    out.id = codec::HexEncode(own.fingerprint()).substr(0, kShownDigits);
    if (!own.uri_names().empty()) {
      TRY(const pki::Identity identity, own.identity());
      out.id = identity.id;
    }
    out.name = comma == text.npos ? CommonName(own) : text.substr(comma + 1);
    return out;
  }

 private:
  // An identity directory stands for the certificate in it.
  static Result<std::vector<pki::Certificate>> ChainIn(const std::string& given) {
    const bool is_folder = std::filesystem::is_directory(given);
    const std::string path = is_folder ? given + "/chain.pem" : given;
    TRY(const std::string pem, ReadTextFile(path, kMaxPemBytes));
    auto chain = pki::Certificate::FromPemBundle(pem);
    if (!chain) return std::move(chain.error()).WithContext(path);
    return chain;
  }

  Result<void> Check(const std::vector<pki::Certificate>& chain, pki::Purpose purpose) const {
    const Timestamp now = session_.clock().Now();
    if (chain.front().not_after() < now) {
      return InvalidArgument("the certificate has expired: its holder needs a new one");
    }
    if (!trust_) return {};
    TRY_VOID(pki::ValidatePath(chain, *trust_, now, purpose));
    return {};
  }

  Session& session_;
  const std::optional<pki::TrustStore> trust_;
};

Result<std::optional<pki::TrustStore>> TrustOf(Session& session) {
  if (!session.arguments().Has("--trust")) return std::optional<pki::TrustStore>();
  const std::string path = session.arguments().Text("--trust");
  TRY(const std::string pem, ReadTextFile(path, kMaxPemBytes));
  auto roots = pki::Certificate::FromPemBundle(pem);
  if (!roots) return std::move(roots.error()).WithContext(path);
  auto trust = pki::TrustStore::Create(*roots);
  if (!trust) return std::move(trust.error()).WithContext(path);
  return std::optional<pki::TrustStore>(*std::move(trust));
}

Result<aggregate::PeerRosterFields> ReadFields(Session& session) {
  const Arguments& arguments = session.arguments();
  aggregate::PeerRosterFields fields;
  fields.session = session.random().Array<16>();
  TRY(fields.title, session.Required("--title"));
  TRY(fields.purpose, session.Required("--purpose"));
  if (arguments.Has("--statistic")) {
    const auto statistic = aggregate::ParsePeerStatistic(arguments.Text("--statistic"));
    if (!statistic)
      return session.Usage("--statistic: one of sum, variance, histogram, regression");
    fields.statistic = *statistic;
  }
  fields.unit = arguments.Text("--unit");
  TRY_VOID(ReadRange(session, fields));
  TRY(fields.bucket, CountOr(session, "--bucket", 1));
  const bool is_regression = fields.statistic == aggregate::PeerStatistic::kRegression;
  TRY(fields.inputs, CountOr(session, "--inputs", is_regression ? 1 : 0));
  fields.threshold = arguments.Has("--threshold");
  TRY(fields.minimum_parties, CountOr(session, "--min-parties", 0));
  TRY(fields.join_time, TimeOr(session, "--join-time", kJoinTime));
  TRY(fields.step_time, TimeOr(session, "--step-time", kStepTime));
  return fields;
}

// One liar may be left out of a sum, no more; with a threshold, as many as it bears.
std::uint32_t LeastParties(std::size_t parties, bool has_threshold) {
  const std::size_t degree = aggregate::ThresholdDegree(parties);
  const std::size_t least = has_threshold ? (parties + degree) / 2 + 1 : parties - 1;
  return static_cast<std::uint32_t>(
      std::max(least, aggregate::LeastValues(parties, has_threshold)));
}

}  // namespace

Result<ExitCode> RunAggregateRoster(Session& session) {
  TRY(const std::string output, session.Required("--output"));
  TRY(aggregate::PeerRosterFields fields, ReadFields(session));
  TRY(auto trust, TrustOf(session));
  Members members(session, std::move(trust));
  TRY(const std::string host, session.Required("--host"));
  TRY(const aggregate::PeerEntry host_entry, members.Read(host, pki::Purpose::kServer));
  fields.host_fingerprint = host_entry.fingerprint;
  for (const std::string& text : session.arguments().List("--party")) {
    TRY(aggregate::PeerEntry party, members.Read(text, pki::Purpose::kClient));
    fields.parties.push_back(std::move(party));
  }
  if (!session.arguments().Has("--min-parties") && !fields.parties.empty()) {
    fields.minimum_parties = LeastParties(fields.parties.size(), fields.threshold);
  }
  Result<aggregate::PeerRoster> roster = aggregate::PeerRoster::Create(std::move(fields));
  if (!roster) return session.Usage(roster.error().message);
  if (std::filesystem::exists(output)) {
    return AlreadyExists(output +
                         ": a roster is there, which others may have by now: name another");
  }
  TRY_VOID(WriteTextFile(output, roster->ToJson()));
  session.terminal().Say(fmt::format("{}: {} parties, session {}", output, roster->size(),
                                     codec::HexEncode(roster->fields().session)),
                         Colour::kGreen);
  session.terminal().Say(
      "hand the file to the host and to each party, who compare this fingerprint of it:");
  fmt::print("{}\n", codec::HexEncode(roster->hash()));
  return ExitCode::kDone;
}

}  // namespace salus::cli
