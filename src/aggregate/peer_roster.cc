#include "aggregate/peer_roster.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "base/id.h"
#include "codec/base64.h"
#include "codec/hex.h"
#include "codec/json.h"
#include "jose/jws.h"

namespace salus::aggregate {

namespace {

constexpr std::size_t kMaxRosterBytes = 256u << 10;
constexpr std::size_t kMaxParties = 255;
constexpr std::size_t kMaxThresholdParties = 64;
constexpr std::int64_t kMaxValue = std::int64_t{1} << 53;
constexpr std::int64_t kMaxRange = (std::int64_t{1} << 32) - 1;
constexpr std::int64_t kMaxBuckets = 1000;
constexpr std::uint32_t kMaxInputs = 8;
constexpr std::int64_t kMaxSeconds = 30 * 86'400;
constexpr std::string_view kFormat = "salus-peer-roster-1";

constexpr std::pair<PeerStatistic, std::string_view> kStatistics[] = {
    {PeerStatistic::kSum, "sum"},
    {PeerStatistic::kVariance, "variance"},
    {PeerStatistic::kHistogram, "histogram"},
    {PeerStatistic::kRegression, "regression"},
};

std::int64_t BucketsOf(const PeerRosterFields& fields) {
  return (fields.maximum - fields.minimum) / fields.bucket + 1;
}

Result<void> CheckMeasure(const PeerRosterFields& fields) {
  if (fields.minimum < -kMaxValue || fields.maximum > kMaxValue ||
      fields.minimum >= fields.maximum || fields.maximum - fields.minimum > kMaxRange) {
    return InvalidArgument(
        "roster: minimum and maximum: below 2^53, and less than 2^32 from one to the other");
  }
  const bool is_histogram = fields.statistic == PeerStatistic::kHistogram;
  if (fields.bucket == 0 || (!is_histogram && fields.bucket != 1)) {
    return InvalidArgument("roster: bucket: 1 or more, and for a histogram only");
  }
  if (is_histogram && (BucketsOf(fields) < 2 || BucketsOf(fields) > kMaxBuckets)) {
    return InvalidArgument("roster: bucket: a histogram has 2 to 1000 of them");
  }
  const bool is_regression = fields.statistic == PeerStatistic::kRegression;
  if (is_regression ? fields.inputs == 0 || fields.inputs > kMaxInputs : fields.inputs != 0) {
    return InvalidArgument("roster: inputs: 1 to 8, and for a regression only");
  }
  return {};
}

Result<void> CheckTimes(const PeerRosterFields& fields) {
  for (const auto time : {fields.join_time, fields.step_time}) {
    if (time.count() < 1 || time.count() > kMaxSeconds) {
      return InvalidArgument("roster: join_seconds and step_seconds: 1 to 30 days");
    }
  }
  return {};
}

Result<void> CheckParties(const PeerRosterFields& fields) {
  const std::size_t most = fields.threshold ? kMaxThresholdParties : kMaxParties;
  if (fields.parties.size() < 3 || fields.parties.size() > most) {
    return InvalidArgument("roster: parties: 3 to 255, and to 64 with a threshold");
  }
  const std::size_t fewest = LeastValues(fields.parties.size(), fields.threshold);
  if (fields.minimum_parties < fewest || fields.minimum_parties > fields.parties.size()) {
    return InvalidArgument("roster: minimum_parties: " + std::to_string(fewest) +
                           " to the number of parties");
  }
  if (fields.threshold && fields.statistic != PeerStatistic::kSum) {
    return InvalidArgument("roster: threshold: is there for sums only");
  }
  for (const PeerEntry& party : fields.parties) {
    if (party.fingerprint == fields.host_fingerprint) {
      return InvalidArgument("roster: the host can't be a party");
    }
    if (const auto id = ValidateIdText(party.id); !id) {
      return InvalidArgument("roster: party: id: " + id.error().message);
    }
    TRY_VOID(CheckShownText("roster: party: name", party.name));
    TRY_VOID(CheckShownText("roster: party: address", party.address));
    if (party.name.size() > kMaxShownBytes || party.address.size() > kMaxShownBytes) {
      return InvalidArgument("roster: party: name and address: at most 1024 bytes");
    }
  }
  std::set<std::string_view> shown = {"the host"};
  for (const PeerEntry& party : fields.parties) {
    if (!shown.insert(party.name.empty() ? party.id : party.name).second) {
      return InvalidArgument("roster: parties: each needs a name of its own");
    }
  }
  for (std::size_t i = 1; i < fields.parties.size(); ++i) {
    if (fields.parties[i - 1].fingerprint >= fields.parties[i].fingerprint) {
      return InvalidArgument(
          "roster: parties: each certificate once, in the order of fingerprints");
    }
  }
  return {};
}

Result<void> CheckTexts(const PeerRosterFields& fields) {
  for (const auto& [member, text] :
       {std::pair<std::string_view, const std::string&>("roster: title", fields.title),
        {"roster: purpose", fields.purpose},
        {"roster: unit", fields.unit}}) {
    TRY_VOID(CheckShownText(member, text));
    if (text.size() > kMaxShownBytes) {
      return InvalidArgument(std::string(member) + ": at most 1024 bytes");
    }
  }
  return {};
}

codec::Json PartyJson(const PeerEntry& party) {
  codec::JsonObject out;
  out["certificate"] = codec::HexEncode(party.fingerprint);
  out["id"] = party.id;
  if (!party.name.empty()) out["name"] = party.name;
  if (!party.address.empty()) out["address"] = party.address;
  return out;
}

codec::Json FieldsJson(const PeerRosterFields& fields) {
  codec::JsonObject out;
  out["format"] = kFormat;
  out["session"] = codec::HexEncode(fields.session);
  out["title"] = fields.title;
  out["purpose"] = fields.purpose;
  out["statistic"] = PeerStatisticName(fields.statistic);
  out["unit"] = fields.unit;
  out["minimum"] = fields.minimum;
  out["maximum"] = fields.maximum;
  out["bucket"] = fields.bucket;
  out["inputs"] = fields.inputs;
  out["minimum_parties"] = fields.minimum_parties;
  out["threshold"] = fields.threshold;
  out["join_seconds"] = fields.join_time.count();
  out["step_seconds"] = fields.step_time.count();
  out["host"] = codec::HexEncode(fields.host_fingerprint);
  codec::JsonArray parties;
  for (const PeerEntry& party : fields.parties) parties.push_back(PartyJson(party));
  out["parties"] = std::move(parties);
  return out;
}

Result<std::uint32_t> SmallAt(const codec::JsonObject& object, std::string_view name) {
  TRY(const std::int64_t value, codec::IntAt(object, name));
  if (value < 0 || value > UINT32_MAX) {
    return InvalidArgument(std::string(name) + ": is out of range");
  }
  return static_cast<std::uint32_t>(value);
}

Result<std::chrono::seconds> SecondsAt(const codec::JsonObject& object, std::string_view name) {
  TRY(const std::uint32_t value, SmallAt(object, name));
  return std::chrono::seconds(value);
}

template <std::size_t N>
Result<void> HexAt(const codec::JsonObject& object, std::string_view name,
                   std::array<std::uint8_t, N>& out) {
  TRY(const std::string_view text, codec::StringAt(object, name));
  if (const auto decoded = codec::HexDecodeInto(text, out); !decoded) {
    return InvalidArgument(std::string(name) + ": " + decoded.error().message);
  }
  return {};
}

Result<PeerEntry> ReadParty(const codec::Json& value) {
  TRY(const codec::JsonObject* object, codec::AsObject(value, "party"));
  PeerEntry out;
  TRY_VOID(HexAt(*object, "certificate", out.fingerprint));
  TRY(out.id, codec::StringAt(*object, "id"));
  TRY(const auto name, codec::OptionalStringAt(*object, "name"));
  TRY(const auto address, codec::OptionalStringAt(*object, "address"));
  out.name = name.value_or("");
  out.address = address.value_or("");
  return out;
}

Result<PeerRosterFields> ReadFields(const codec::JsonObject& object) {
  PeerRosterFields out;
  TRY(const std::string_view format, codec::StringAt(object, "format"));
  if (format != kFormat) return InvalidArgument("format: is not " + std::string(kFormat));
  TRY_VOID(HexAt(object, "session", out.session));
  TRY(out.title, codec::StringAt(object, "title"));
  TRY(out.purpose, codec::StringAt(object, "purpose"));
  TRY(const std::string_view statistic, codec::StringAt(object, "statistic"));
  TRY(out.statistic, ParsePeerStatistic(statistic));
  TRY(out.unit, codec::StringAt(object, "unit"));
  TRY(out.minimum, codec::IntAt(object, "minimum"));
  TRY(out.maximum, codec::IntAt(object, "maximum"));
  TRY(out.bucket, SmallAt(object, "bucket"));
  TRY(out.inputs, SmallAt(object, "inputs"));
  TRY(out.minimum_parties, SmallAt(object, "minimum_parties"));
  TRY(out.threshold, codec::BoolAt(object, "threshold"));
  TRY(out.join_time, SecondsAt(object, "join_seconds"));
  TRY(out.step_time, SecondsAt(object, "step_seconds"));
  TRY_VOID(HexAt(object, "host", out.host_fingerprint));
  TRY(const codec::JsonArray* parties, codec::ArrayAt(object, "parties"));
  for (std::size_t i = 0; i < parties->size(); ++i) {
    auto party = ReadParty((*parties)[i]);
    if (!party) return codec::Within("parties", i, std::move(party).error());
    out.parties.push_back(*std::move(party));
  }
  return out;
}

}  // namespace

std::string_view PeerStatisticName(PeerStatistic statistic) {
  for (const auto& [value, name] : kStatistics) {
    if (value == statistic) return name;
  }
  return "unknown";
}

Result<PeerStatistic> ParsePeerStatistic(std::string_view text) {
  for (const auto& [value, name] : kStatistics) {
    if (name == text) return value;
  }
  return InvalidArgument("statistic: is sum, variance, histogram or regression");
}

Result<PeerRoster> PeerRoster::Create(PeerRosterFields fields) {
  std::ranges::sort(fields.parties, {}, &PeerEntry::fingerprint);
  TRY_VOID(CheckTexts(fields));
  TRY_VOID(CheckMeasure(fields));
  TRY_VOID(CheckTimes(fields));
  TRY_VOID(CheckParties(fields));
  PeerRoster out;
  TRY(out.json_, codec::CanonicalJson(FieldsJson(fields)));
  if (out.json_.size() > kMaxRosterBytes) return InvalidArgument("roster: is over 256 KiB");
  out.hash_ = crypto::Sha256(AsBytes(out.json_));
  out.fields_ = std::move(fields);
  return out;
}

Result<PeerRoster> PeerRoster::Parse(std::string_view json) {
  TRY(const codec::Json value,
      codec::ParseJson(json, {.max_depth = 4, .max_size_bytes = kMaxRosterBytes}));
  TRY(const codec::JsonObject* object, codec::AsObject(value, "roster"));
  auto fields = ReadFields(*object);
  if (!fields) return std::move(fields).error().WithContext("roster");
  TRY(PeerRoster out, Create(*std::move(fields)));
  if (out.json_ != json) {
    return InvalidArgument("roster: is not the canonical text of what it says");
  }
  return out;
}

std::optional<PeerId> PeerRoster::Find(const crypto::Hash32& fingerprint) const {
  const auto found = std::ranges::lower_bound(parties(), fingerprint, {}, &PeerEntry::fingerprint);
  if (found == parties().end() || found->fingerprint != fingerprint) return std::nullopt;
  return static_cast<PeerId>(found - parties().begin());
}

std::string PeerRoster::Name(PeerId party) const {
  if (party >= size()) return "the host";
  const PeerEntry& entry = parties()[party];
  return entry.name.empty() ? entry.id : entry.name;
}

std::size_t PeerRoster::values() const { return std::size_t{1} + fields_.inputs; }

VdafInstance PeerRoster::Instance(std::uint8_t shares) const {
  VdafInstance out{.shares = shares};
  const auto range = static_cast<std::uint64_t>(fields_.maximum - fields_.minimum);
  switch (fields_.statistic) {
    case PeerStatistic::kSum:
      out.circuit = Circuit::kSum;
      out.max_measurement = range;
      break;
    case PeerStatistic::kVariance:
      out.circuit = Circuit::kMeanVar;
      out.max_measurement = range;
      break;
    case PeerStatistic::kHistogram:
      out.circuit = Circuit::kHistogram;
      out.length = static_cast<std::uint32_t>(BucketsOf(fields_));
      // The square root of the length is about the cheapest (VDAF draft-20 section 7.4.3.1).
      out.chunk_length =
          static_cast<std::uint32_t>(std::ceil(std::sqrt(static_cast<double>(out.length))));
      break;
    case PeerStatistic::kRegression:
      out.circuit = Circuit::kLinReg;
      out.length = fields_.inputs;
      out.max_measurement = range;
      break;
  }
  return out;
}

Result<std::vector<std::uint64_t>> PeerRoster::Measure(const std::vector<std::int64_t>& own) const {
  if (own.size() != values()) {
    return InvalidArgument("this sum takes " + std::to_string(values()) + " numbers of each party");
  }
  std::vector<std::uint64_t> out;
  for (const std::int64_t value : own) {
    if (value < fields_.minimum || value > fields_.maximum) {
      return InvalidArgument("the value is not from " + std::to_string(fields_.minimum) + " to " +
                             std::to_string(fields_.maximum));
    }
    const auto offset = static_cast<std::uint64_t>(value - fields_.minimum);
    out.push_back(fields_.statistic == PeerStatistic::kHistogram ? offset / fields_.bucket
                                                                 : offset);
  }
  return out;
}

Result<std::string> SignPeerRoster(const PeerRoster& roster, const crypto::P256PrivateKey& key,
                                   const pki::Certificate& certificate) {
  TRY(const crypto::P256PublicKey public_key, certificate.p256_public_key());
  if (public_key != key.public_key()) {
    return FailedPrecondition("the key is not the one of the host's certificate");
  }
  if (certificate.fingerprint() != roster.fields().host_fingerprint) {
    return FailedPrecondition("the roster names another certificate as its host's");
  }
  codec::JsonObject header;
  header["x5c"] = codec::JsonArray{codec::Json(codec::Base64Encode(certificate.der()))};
  return jose::SignCompact(AsBytes(roster.ToJson()), key, jose::SignatureAlgorithm::kEs256, header);
}

Result<SignedPeerRoster> SignedPeerRoster::Verify(std::string_view token,
                                                  const crypto::Hash32& host_fingerprint) {
  const Error foreign =
      VerificationFailed("the roster is not signed by the host with the pinned certificate");
  const auto header = jose::UnverifiedHeader(token);
  if (!header) return foreign;
  const auto chain = codec::ArrayAt(*header, "x5c");
  if (!chain || (*chain)->size() != 1 || !(**chain)[0].is_string()) return foreign;
  const auto der = codec::Base64Decode((**chain)[0].as_string());
  if (!der) return foreign;
  auto host = pki::Certificate::FromDer(*der);
  if (!host || host->fingerprint() != host_fingerprint) return foreign;
  const auto key = host->p256_public_key();
  if (!key) return foreign;
  const auto verified = jose::VerifyCompact(token, *key, {jose::SignatureAlgorithm::kEs256});
  if (!verified) return foreign;
  TRY(PeerRoster roster, PeerRoster::Parse(AsText(verified->payload)));
  if (roster.fields().host_fingerprint != host_fingerprint) {
    return VerificationFailed("the roster names another host than the one that signed it");
  }
  return SignedPeerRoster{std::move(roster), *std::move(host)};
}

}  // namespace salus::aggregate
