#include "seal/signed_content.h"

#include <algorithm>

#include "base/endian.h"
#include "codec/hex.h"
#include "codec/json.h"
#include "codec/rfc3339.h"
#include "seal/flattened_jws.h"

namespace salus::seal {
namespace {

constexpr std::string_view kMagic = "SALUSIG1";
constexpr std::string_view kType = "salus-sealed";
constexpr std::uint64_t kMaxSizeBytes = (std::uint64_t{1} << 53) - 1;  // that JSON can say
constexpr std::size_t kTailBytes = 4 + kMagic.size();
constexpr std::size_t kHeldBytes = kMaxFlattenedBytes + kTailBytes;

// Statement is what is signed.
struct Statement {
  Holds holds = Holds::kFile;
  std::vector<std::string> recipients;
  std::string sha256;
  std::uint64_t size_bytes = 0;
  Timestamp time = {};
};

std::string_view NameOf(Holds holds) { return holds == Holds::kFolder ? "folder" : "file"; }

Result<std::string> WriteStatement(const Statement& statement) {
  codec::JsonObject out;
  out["holds"] = NameOf(statement.holds);
  codec::JsonArray names;
  for (const std::string& name : statement.recipients) names.emplace_back(name);
  out["recipients"] = std::move(names);
  out["sha256"] = statement.sha256;
  out["size"] = statement.size_bytes;
  out["time"] = codec::FormatRfc3339(statement.time);
  return codec::CanonicalJson(out);
}

Result<Statement> ReadStatement(std::string_view text) {
  TRY(const codec::Json value, codec::ParseJson(text, {.max_size_bytes = kMaxFlattenedBytes}));
  TRY(const codec::JsonObject* object, codec::AsObject(value, "it"));
  Statement out;
  TRY(const std::string_view holds, codec::StringAt(*object, "holds"));
  if (holds == NameOf(Holds::kFolder)) {
    out.holds = Holds::kFolder;
  } else if (holds != NameOf(Holds::kFile)) {
    return InvalidArgument("holds: is neither file nor folder");
  }
  TRY(const codec::JsonArray* names, codec::ArrayAt(*object, "recipients"));
  for (const codec::Json& name : *names) {
    if (!name.is_string()) return InvalidArgument("recipients: must be texts");
    out.recipients.emplace_back(name.as_string());
  }
  TRY(out.sha256, codec::StringAt(*object, "sha256"));
  TRY(const std::int64_t size, codec::IntAt(*object, "size"));
  if (size < 0) return InvalidArgument("size: is negative");
  out.size_bytes = static_cast<std::uint64_t>(size);
  TRY(const std::string_view time, codec::StringAt(*object, "time"));
  TRY(out.time, codec::ParseRfc3339(time));
  TRY(const std::string canonical, WriteStatement(out));
  if (canonical != text) return InvalidArgument("it is not in its one canonical form");
  return out;
}

// VerifyTrailer checks the signature by the key that it brings along.
Result<VerifiedSignature> VerifyTrailer(std::string_view jws, Statement& statement) {
  TRY(const std::string token, UnflattenJws(jws, JwsPayload::kInside));
  const auto header = jose::UnverifiedHeader(token);
  if (!header) return VerificationFailed("the signature inside has a malformed header");
  TRY(ClaimedSigner claimed, ReadSigner(*header));
  if (!claimed.key) return VerificationFailed("the signature inside names no signer");
  const auto verified =
      jose::VerifyCompact(token, ViewOf(*claimed.key),
                          {jose::SignatureAlgorithm::kEs256, jose::SignatureAlgorithm::kPs256,
                           jose::SignatureAlgorithm::kEdDsa});
  if (!verified) return VerificationFailed("the signature inside does not hold");
  const auto type = codec::StringAt(verified->header, "typ");
  if (!type || *type != kType) {
    return VerificationFailed("the signature inside was made for something else");
  }
  auto read = ReadStatement(AsText(verified->payload));
  if (!read) return VerificationFailed("what the signer states: " + read.error().message);
  statement = *std::move(read);
  return VerifiedSignature{.algorithm = std::string(jose::NameOf(verified->algorithm)),
                           .key = *claimed.key,
                           .certificates = std::move(claimed.certificates),
                           .claimed_time = statement.time,
                           .size_bytes = statement.size_bytes};
}

Result<void> CheckHolds(const Statement& statement, const OpenedFile& opened) {
  if (statement.holds == opened.holds) return {};
  return VerificationFailed("the signer signed a " + std::string(NameOf(statement.holds)) +
                            ", and this is sealed as a " + std::string(NameOf(opened.holds)) +
                            ": somebody who could open it has sealed it anew");
}

Result<void> CheckRecipients(const Statement& statement, const OpenedFile& opened) {
  const std::vector<std::string>& names = statement.recipients;
  if (!std::ranges::is_sorted(names)) {
    return VerificationFailed("what the signer states: the recipients are not sorted");
  }
  if (!std::ranges::binary_search(names, opened.own_name)) {
    return VerificationFailed(
        "the signer did not address this to you: somebody who could open it has sealed it anew");
  }
  if (names.size() != opened.recipient_count) {
    return VerificationFailed(
        "the signer named " + std::to_string(names.size()) + " recipients, and the file has " +
        std::to_string(opened.recipient_count) + ": somebody who could open it has sealed it anew");
  }
  return {};
}

Result<codec::JsonObject> HeaderOf(const Signer& signer) {
  TRY(codec::JsonObject header, SignerHeader(signer));
  header["typ"] = kType;
  return header;
}

Error TooMany() {
  return InvalidArgument(
      "a signature names all recipients in 64 KiB (some 700 age1... or 120 of RSA), and these are "
      "too many: seal to fewer at a time, or without --sign");
}

// The size in characters of n bytes as base64url.
std::size_t TextSize(std::size_t n) { return (n * 4 + 2) / 3; }

std::size_t SignatureSize(const crypto::PrivateKey& key) {
  const auto* rsa = std::get_if<crypto::RsaPrivateKey>(&key);
  return rsa == nullptr ? 64 : (rsa->public_key().size_bits() + 7) / 8;
}

Result<std::vector<std::string>> NamesOf(const Recipients& recipients) {
  std::vector<std::string> names;
  for (const auto& recipient : recipients) {
    names.push_back(recipient->Name());
    if (names.back().empty()) {
      return InvalidArgument("a passphrase names nobody: sign for recipients with keys");
    }
  }
  std::ranges::sort(names);
  return names;
}

}  // namespace

Result<void> SignedContentWriter::Check(const Signer& signer, const Recipients& recipients) {
  TRY(std::vector<std::string> names, NamesOf(recipients));
  // No statement with these names is longer.
  TRY(const std::string statement, WriteStatement({.holds = Holds::kFolder,
                                                   .recipients = std::move(names),
                                                   .sha256 = std::string(64, '0'),
                                                   .size_bytes = kMaxSizeBytes}));
  TRY(codec::JsonObject header, HeaderOf(signer));
  header["alg"] = jose::NameOf(AlgorithmOf(signer.key));
  const std::string token = std::string(TextSize(codec::WriteJson(header).size()), 'A') + "." +
                            std::string(TextSize(statement.size()), 'A') + "." +
                            std::string(TextSize(SignatureSize(signer.key)), 'A');
  if (FlattenJws(token).size() > kMaxFlattenedBytes) return TooMany();
  return {};
}

Result<void> SignedContentWriter::Write(ByteSpan bytes) {
  hash_.Update(bytes);
  size_bytes_ += bytes.size();
  return out_.Write(bytes);
}

Result<void> SignedContentWriter::Finish(const Signer& signer, const Recipients& recipients,
                                         Timestamp time) {
  TRY(std::vector<std::string> names, NamesOf(recipients));
  TRY(const std::string statement, WriteStatement({.holds = holds_,
                                                   .recipients = std::move(names),
                                                   .sha256 = codec::HexEncode(hash_.Finish()),
                                                   .size_bytes = size_bytes_,
                                                   .time = time}));
  TRY(const codec::JsonObject header, HeaderOf(signer));
  TRY(const std::string token,
      jose::SignCompact(AsBytes(statement), ViewOf(signer.key), AlgorithmOf(signer.key), header));
  const std::string jws = FlattenJws(token);
  if (jws.size() > kMaxFlattenedBytes) return TooMany();
  Bytes trailer = ToBytes(jws);
  AppendBe(trailer, static_cast<std::uint32_t>(jws.size()));
  Append(trailer, AsBytes(kMagic));
  return out_.Write(trailer);
}

Result<void> SignedContentReader::Write(ByteSpan bytes) {
  Append(held_, bytes);
  // In large steps, so that what is held back is moved seldom.
  if (held_.size() < 4 * kHeldBytes) return {};
  return Release(held_.size() - kHeldBytes);
}

Result<void> SignedContentReader::Release(std::size_t size) {
  const ByteSpan content = ByteSpan(held_).first(size);
  hash_.Update(content);
  size_bytes_ += size;
  TRY_VOID(out_.Write(content));
  held_.erase(held_.begin(), held_.begin() + static_cast<std::ptrdiff_t>(size));
  return {};
}

Result<std::string> SignedContentReader::CutTrailer() {
  const auto missing = [] {
    return VerificationFailed("the file says that it is signed, but no signature is at its end");
  };
  if (held_.size() < kTailBytes) return missing();
  const ByteSpan tail = ByteSpan(held_).last(kTailBytes);
  if (AsText(tail.subspan(4)) != kMagic) return missing();
  const std::size_t size = LoadBe<std::uint32_t>(tail.data());
  if (size > kMaxFlattenedBytes || size > held_.size() - kTailBytes) return missing();
  const std::size_t begin = held_.size() - kTailBytes - size;
  std::string jws(AsText(ByteSpan(held_).subspan(begin, size)));
  held_.resize(begin);
  return jws;
}

Result<VerifiedSignature> SignedContentReader::Finish(const OpenedFile& opened) {
  TRY(const std::string jws, CutTrailer());
  Statement statement;
  TRY(VerifiedSignature signature, VerifyTrailer(jws, statement));
  TRY_VOID(CheckHolds(statement, opened));
  TRY_VOID(CheckRecipients(statement, opened));
  TRY_VOID(Release(held_.size()));
  if (statement.size_bytes != size_bytes_ || statement.sha256 != codec::HexEncode(hash_.Finish())) {
    return VerificationFailed("the content is not what the signer signed");
  }
  return signature;
}

}  // namespace salus::seal
