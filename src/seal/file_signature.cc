#include "seal/file_signature.h"

#include "crypto/sha256.h"
#include "jose/jws_stream.h"
#include "pki/cms.h"
#include "seal/flattened_jws.h"

namespace salus::seal {
namespace {

constexpr std::string_view kType = "salus-file";
constexpr std::size_t kPiece = 192 * 1024;
constexpr std::int64_t kMaxSeconds = 253'402'300'799;  // the end of the year 9999

// ForEachPiece hands the content to take, and returns its size.
template <typename Take>
Result<std::uint64_t> ForEachPiece(ByteSource& content, const Take& take) {
  Bytes buffer(kPiece);
  std::uint64_t total = 0;
  for (;;) {
    TRY(const std::size_t size, content.Read(buffer));
    TRY_VOID(take(ByteSpan(buffer).first(size)));
    total += size;
    if (size < buffer.size()) return total;
  }
}

Result<std::optional<Timestamp>> ClaimedTime(const codec::JsonObject& header) {
  const auto seconds = codec::OptionalIntAt(header, "iat");
  if (!seconds || (*seconds && (**seconds < 0 || **seconds > kMaxSeconds))) {
    return VerificationFailed("the signature's header: iat is not a time in seconds");
  }
  if (!*seconds) return std::optional<Timestamp>();
  return std::optional<Timestamp>(Timestamp(std::chrono::seconds(**seconds)));
}

// CheckType: other tools leave typ away; what was signed for another use, by us or by others, is no
// signature of a file.
Result<void> CheckType(const codec::JsonObject& header) {
  const auto type = codec::OptionalStringAt(header, "typ");
  if (type && (!*type || **type == kType)) return {};
  return VerificationFailed(
      "the signature was made for something else than a file: its header's typ is not " +
      std::string(kType));
}

// AsRefusal keeps the sentence: a signature that can't be read verifies nothing.
Error AsRefusal(Error error) {
  if (error.code == ErrorCode::kInvalidArgument) error.code = ErrorCode::kVerificationFailed;
  return error;
}

Result<jose::StreamVerifier> BeginJws(std::string_view jws) {
  constexpr jose::SignatureAlgorithms kAccepted = {jose::SignatureAlgorithm::kEs256,
                                                   jose::SignatureAlgorithm::kPs256,
                                                   jose::SignatureAlgorithm::kEdDsa};
  std::string token(jws);
  while (!token.empty() && (token.back() == '\n' || token.back() == '\r')) token.pop_back();
  if (token.starts_with('{')) {
    TRY(token, UnflattenJws(token, JwsPayload::kDetached));
  }
  auto verifier = jose::StreamVerifier::Create(token, {kAccepted});
  if (!verifier) {
    return AsRefusal(std::move(verifier.error()).WithContext("the JWS"));
  }
  return verifier;
}

}  // namespace

Result<std::string> SignFileJws(ByteSource& content, const Signer& signer, Timestamp time) {
  TRY(codec::JsonObject header, SignerHeader(signer));
  header["iat"] = std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
  header["typ"] = kType;
  TRY(jose::StreamSigner stream,
      jose::StreamSigner::Create(ViewOf(signer.key), AlgorithmOf(signer.key), header));
  TRY_VOID(ForEachPiece(content, [&](ByteSpan piece) { return stream.Update(piece); }));
  TRY(const std::string token, stream.Finish());
  return FlattenJws(token);
}

Result<Bytes> SignFileCms(ByteSource& content, const Signer& signer, Timestamp time) {
  crypto::Sha256Stream hash;
  TRY_VOID(ForEachPiece(content, [&](ByteSpan piece) -> Result<void> {
    hash.Update(piece);
    return {};
  }));
  return pki::SignCms(hash.Finish(), signer.key, signer.chain, time);
}

Result<VerifiedSignature> VerifyFileJws(std::string_view jws, ByteSource& content,
                                        const std::optional<crypto::PublicKey>& key) {
  TRY(jose::StreamVerifier verifier, BeginJws(jws));
  TRY_VOID(CheckType(verifier.header()));
  TRY(ClaimedSigner claimed, ReadSigner(verifier.header()));
  TRY(const std::optional<Timestamp> time, ClaimedTime(verifier.header()));
  if (key && claimed.key && !SameKey(*key, *claimed.key)) {
    return VerificationFailed(
        "the signature was made with another key than the one given: SHA-256 " +
        KeyFingerprint(*claimed.key));
  }
  if (!key && !claimed.key) {
    return FailedPrecondition(
        "the signature brings no key along: give the signer's public key with --key");
  }
  VerifiedSignature out{.algorithm = std::string(jose::NameOf(verifier.algorithm())),
                        .key = key ? *key : *claimed.key,
                        .certificates = std::move(claimed.certificates),
                        .claimed_time = time};
  TRY(out.size_bytes,
      ForEachPiece(content, [&](ByteSpan piece) { return verifier.Update(piece); }));
  if (!verifier.Finish(ViewOf(out.key))) {
    return VerificationFailed(
        "the signature does not fit: the content was changed since it was signed, or it is a "
        "signature of something else");
  }
  return out;
}

Result<VerifiedSignature> VerifyFileCms(ByteSpan cms, ByteSource& content,
                                        std::span<const pki::Certificate> more) {
  auto verifier = pki::CmsVerifier::Parse(cms);
  if (!verifier) return AsRefusal(std::move(verifier.error()));
  TRY(const std::uint64_t size, ForEachPiece(content, [&](ByteSpan piece) -> Result<void> {
        verifier->Update(piece);
        return {};
      }));
  TRY(pki::CmsSignature signature, verifier->Finish(more));
  TRY(crypto::PublicKey key, signature.certificates.front().public_key());
  return VerifiedSignature{.algorithm = std::move(signature.algorithm),
                           .key = std::move(key),
                           .certificates = std::move(signature.certificates),
                           .claimed_time = signature.claimed_time,
                           .size_bytes = size};
}

bool IsJws(ByteSpan signature) {
  const std::string_view text = AsText(signature);
  return text.starts_with("{") || text.starts_with("eyJ");
}

}  // namespace salus::seal
