#include "crypto/aes_eax.h"

#include "base/check.h"
#include "crypto/aes_cmac.h"
#include "crypto/openssl_handles.h"
#include "crypto/secret_mint.h"

namespace salus::crypto {

namespace {

// OMAC with the tweak t in front, as the paper writes it.
EaxTag Tweak(std::uint8_t t) {
  EaxTag front{};
  front[15] = t;
  return front;
}

Result<EaxTag> Omac(ByteSpan key, std::uint8_t tweak, ByteSpan data) {
  return AesCmac(key, {Tweak(tweak), data});
}

CipherContextPtr CounterMode(ByteSpan key, const EaxTag& counter) {
  const char* const name = key.size() == 16   ? "AES-128-CTR"
                           : key.size() == 24 ? "AES-192-CTR"
                                              : "AES-256-CTR";
  const CipherPtr cipher(EVP_CIPHER_fetch(nullptr, name, nullptr));
  CipherContextPtr context(EVP_CIPHER_CTX_new());
  CHECK(cipher && context);
  CHECK(EVP_EncryptInit_ex2(context.get(), cipher.get(), key.data(), counter.data(), nullptr) == 1);
  return context;
}

}  // namespace

struct AesEaxStream::Context {
  CipherContextPtr cipher;
  AesCmacStream text_mac;
  EaxTag front;  // the nonce's and the aad's share of the tag

  void Crypt(ByteSpan in, MutableByteSpan out) {
    CHECK(in.size() == out.size());
    int size = 0;
    if (in.empty()) return;
    CHECK(EVP_EncryptUpdate(cipher.get(), out.data(), &size, in.data(), SizeOf(in)) == 1);
  }
};

AesEaxStream::AesEaxStream(std::unique_ptr<Context> context) : context_(std::move(context)) {}
AesEaxStream::AesEaxStream(AesEaxStream&&) noexcept = default;
AesEaxStream& AesEaxStream::operator=(AesEaxStream&&) noexcept = default;
AesEaxStream::~AesEaxStream() = default;

Result<AesEaxStream> AesEaxStream::Create(ByteSpan key, ByteSpan nonce, ByteSpan aad) {
  TRY(const EaxTag nonce_mac, Omac(key, 0, nonce));
  TRY(EaxTag front, Omac(key, 1, aad));
  for (std::size_t i = 0; i < front.size(); ++i) front[i] ^= nonce_mac[i];
  TRY(AesCmacStream text_mac, AesCmacStream::Create(key));
  text_mac.Update(Tweak(2));
  return AesEaxStream(
      std::make_unique<Context>(CounterMode(key, nonce_mac), std::move(text_mac), front));
}

void AesEaxStream::Seal(ByteSpan plaintext, MutableByteSpan out) {
  context_->Crypt(plaintext, out);
  context_->text_mac.Update(out);
}

void AesEaxStream::Open(ByteSpan ciphertext, MutableByteSpan out) {
  context_->text_mac.Update(ciphertext);
  context_->Crypt(ciphertext, out);
}

void AesEaxStream::Authenticate(ByteSpan ciphertext) { context_->text_mac.Update(ciphertext); }

EaxTag AesEaxStream::Tag() {
  EaxTag tag = context_->text_mac.Finish();
  for (std::size_t i = 0; i < tag.size(); ++i) tag[i] ^= context_->front[i];
  return tag;
}

Result<Bytes> AesEaxSeal(ByteSpan key, ByteSpan nonce, ByteSpan aad, ByteSpan plaintext) {
  TRY(AesEaxStream stream, AesEaxStream::Create(key, nonce, aad));
  Bytes out(plaintext.size());
  stream.Seal(plaintext, out);
  Append(out, stream.Tag());
  return out;
}

Result<SecretBytes> AesEaxOpen(ByteSpan key, ByteSpan nonce, ByteSpan aad, ByteSpan sealed) {
  TRY(AesEaxStream check, AesEaxStream::Create(key, nonce, aad));
  if (sealed.size() < kEaxTagSize) return VerificationFailed("sealed data does not open");
  const ByteSpan ciphertext = sealed.first(sealed.size() - kEaxTagSize);
  check.Authenticate(ciphertext);
  if (!ConstantTimeEqual(check.Tag(), sealed.last(kEaxTagSize))) {
    return VerificationFailed("sealed data does not open");
  }
  TRY(AesEaxStream stream, AesEaxStream::Create(key, nonce, aad));
  SecretBytes out(ciphertext.size());
  stream.Open(ciphertext, out.mutable_view(CryptoSecrets::Token()));
  return out;
}

}  // namespace salus::crypto
