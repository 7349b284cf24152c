#include "jose/jws_stream.h"

#include <algorithm>
#include <array>

#include "codec/base64.h"
#include "crypto/sha256.h"
#include "jose/jws_header.h"
#include "jose/protected_header.h"

namespace salus::jose {

// With base64url up to two bytes wait until a group of three is whole.
class PayloadIntake {
 public:
  PayloadIntake(SignatureAlgorithm algorithm, PayloadForm form, std::string_view header)
      : keeps_all_(algorithm == SignatureAlgorithm::kEdDsa), form_(form) {
    Take(AsBytes(header));
    Take(AsBytes("."));
  }

  Result<void> Update(ByteSpan payload) {
    if (keeps_all_) {
      if (payload.size() > kMaxEdDsaPayloadBytes - payload_bytes_) {
        return ResourceExhausted(
            "Ed25519 signatures need the whole content in memory, at most 1 GiB: larger files are "
            "signed with an ES256 (P-256) or PS256 (RSA) key");
      }
      payload_bytes_ += payload.size();
    }
    if (form_ == PayloadForm::kRaw) {
      Take(payload);
      return {};
    }
    while (!payload.empty() && (waiting_ != 0 || payload.size() < 3)) {
      group_[waiting_++] = payload.front();
      payload = payload.subspan(1);
      if (waiting_ == 3) TakeWaiting();
    }
    const std::size_t whole = payload.size() - payload.size() % 3;
    if (whole > 0) Take(AsBytes(codec::Base64UrlEncode(payload.first(whole))));
    for (const std::uint8_t byte : payload.subspan(whole)) group_[waiting_++] = byte;
    return {};
  }

  void Flush() {
    if (waiting_ > 0) TakeWaiting();
  }
  crypto::Hash32 Digest() { return hash_.Finish(); }
  ByteSpan input() const { return input_; }

 private:
  void Take(ByteSpan bytes) {
    if (keeps_all_) {
      Append(input_, bytes);
    } else {
      hash_.Update(bytes);
    }
  }
  void TakeWaiting() {
    Take(AsBytes(codec::Base64UrlEncode(ByteSpan(group_).first(waiting_))));
    waiting_ = 0;
  }

  const bool keeps_all_;
  const PayloadForm form_;
  crypto::Sha256Stream hash_;
  Bytes input_;
  std::size_t payload_bytes_ = 0;
  std::array<std::uint8_t, 3> group_{};
  std::size_t waiting_ = 0;
};

namespace {

bool Belongs(SigningKeyView key, SignatureAlgorithm algorithm) {
  switch (algorithm) {
    case SignatureAlgorithm::kEs256:
      return key.As<crypto::P256PrivateKey>() != nullptr;
    case SignatureAlgorithm::kPs256:
      return key.As<crypto::RsaPrivateKey>() != nullptr;
    case SignatureAlgorithm::kEdDsa:
      return key.As<crypto::Ed25519PrivateKey>() != nullptr;
    default:
      return false;
  }
}

}  // namespace

StreamSigner::StreamSigner(SigningKeyView key, SignatureAlgorithm algorithm, std::string header,
                           std::unique_ptr<PayloadIntake> intake)
    : key_(key), algorithm_(algorithm), header_(std::move(header)), intake_(std::move(intake)) {}
StreamSigner::StreamSigner(StreamSigner&&) noexcept = default;
StreamSigner::~StreamSigner() = default;

Result<StreamSigner> StreamSigner::Create(SigningKeyView key, SignatureAlgorithm algorithm,
                                          const codec::JsonObject& header) {
  if (!Belongs(key, algorithm)) {
    return InvalidArgument("the key does not belong to the signature algorithm");
  }
  if (header.contains("crit")) return InvalidArgument("crit is set by the signing function");
  TRY(const codec::JsonObject all, MakeJwsHeader(algorithm, header, PayloadForm::kRaw));
  std::string encoded = EncodeHeader(all);
  if (encoded.size() > kMaxHeaderBytes) {
    return InvalidArgument("the header would be over 16 KiB: use a shorter chain of certificates");
  }
  auto intake = std::make_unique<PayloadIntake>(algorithm, PayloadForm::kRaw, encoded);
  return StreamSigner(key, algorithm, std::move(encoded), std::move(intake));
}

Result<void> StreamSigner::Update(ByteSpan payload) { return intake_->Update(payload); }

Result<std::string> StreamSigner::Finish() {
  Bytes signature;
  if (const auto* p256 = key_.As<crypto::P256PrivateKey>()) {
    signature = ToBytes(p256->SignDigest(intake_->Digest()));
  } else if (const auto* rsa = key_.As<crypto::RsaPrivateKey>()) {
    signature = rsa->SignPssDigest(intake_->Digest());
  } else if (const auto* ed25519 = key_.As<crypto::Ed25519PrivateKey>()) {
    signature = ToBytes(ed25519->Sign(intake_->input()));
  } else {
    return Internal("the signing key changed its type");
  }
  return header_ + ".." + codec::Base64UrlEncode(signature);
}

StreamVerifier::StreamVerifier(SignatureAlgorithm algorithm, codec::JsonObject header,
                               Bytes signature, std::unique_ptr<PayloadIntake> intake)
    : algorithm_(algorithm),
      header_(std::move(header)),
      signature_(std::move(signature)),
      intake_(std::move(intake)) {}
StreamVerifier::StreamVerifier(StreamVerifier&&) noexcept = default;
StreamVerifier::~StreamVerifier() = default;

Result<StreamVerifier> StreamVerifier::Create(std::string_view token, const JwsRules& rules) {
  if (token.size() > 3 * kMaxHeaderBytes) return InvalidArgument("the token is too long");
  TRY(const auto parts, SplitCompact<3>(token));
  if (!parts[1].empty()) return InvalidArgument("the payload is not detached");
  TRY(CheckedHeader header, CheckJwsHeader(parts[0], rules, true));
  constexpr SignatureAlgorithms kStreamed = {SignatureAlgorithm::kEs256, SignatureAlgorithm::kPs256,
                                             SignatureAlgorithm::kEdDsa};
  if (!kStreamed.Contains(header.algorithm)) return InvalidArgument("alg is not accepted");
  TRY(Bytes signature, codec::Base64UrlDecode(parts[2]));
  auto intake = std::make_unique<PayloadIntake>(header.algorithm, header.form, parts[0]);
  return StreamVerifier(header.algorithm, std::move(header.members), std::move(signature),
                        std::move(intake));
}

Result<void> StreamVerifier::Update(ByteSpan payload) { return intake_->Update(payload); }

Result<void> StreamVerifier::Finish(VerificationKeyView key) {
  intake_->Flush();
  const auto* p256 = key.As<crypto::P256PublicKey>();
  const auto* rsa = key.As<crypto::RsaPublicKey>();
  const auto* ed25519 = key.As<crypto::Ed25519PublicKey>();
  Result<void> verdict = VerificationFailed("");
  if (algorithm_ == SignatureAlgorithm::kEs256 && p256 != nullptr) {
    verdict = p256->VerifyDigest(intake_->Digest(), signature_);
  } else if (algorithm_ == SignatureAlgorithm::kPs256 && rsa != nullptr) {
    verdict = rsa->VerifyPssDigest(intake_->Digest(), signature_);
  } else if (algorithm_ == SignatureAlgorithm::kEdDsa && ed25519 != nullptr) {
    verdict = ed25519->Verify(intake_->input(), signature_);
  }
  if (!verdict) return VerificationFailed("the JWS does not verify with the key at hand");
  return {};
}

}  // namespace salus::jose
