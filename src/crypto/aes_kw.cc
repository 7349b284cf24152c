#include "crypto/aes_kw.h"

#include "base/check.h"
#include "crypto/openssl_handles.h"
#include "crypto/secret_mint.h"

namespace salus::crypto {

namespace {

constexpr std::size_t kMaxKeySize = 4096;

enum class Form { kPlain, kPadded };

const EVP_CIPHER* WrapAlgorithm(Form form, std::size_t kek_size) {
  static const CipherPtr plain128(EVP_CIPHER_fetch(nullptr, "AES-128-WRAP", nullptr));
  static const CipherPtr plain256(EVP_CIPHER_fetch(nullptr, "AES-256-WRAP", nullptr));
  static const CipherPtr padded128(EVP_CIPHER_fetch(nullptr, "AES-128-WRAP-PAD", nullptr));
  static const CipherPtr padded256(EVP_CIPHER_fetch(nullptr, "AES-256-WRAP-PAD", nullptr));
  CHECK(plain128 && plain256 && padded128 && padded256);
  if (form == Form::kPlain) return kek_size == 16 ? plain128.get() : plain256.get();
  return kek_size == 16 ? padded128.get() : padded256.get();
}

Result<void> CheckKek(ByteSpan kek) {
  if (kek.size() == 16 || kek.size() == 32) return {};
  return InvalidArgument("a key-encryption key has 16 or 32 bytes");
}

void Initialise(EVP_CIPHER_CTX* context, Form form, ByteSpan kek, bool encrypt) {
  EVP_CIPHER_CTX_set_flags(context, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
  const EVP_CIPHER* const cipher = WrapAlgorithm(form, kek.size());
  CHECK(EVP_CipherInit_ex2(context, cipher, kek.data(), nullptr, encrypt ? 1 : 0, nullptr) == 1);
}

// The context has its key and direction; a wrap is one Update. Passing a null key and IV again puts
// the initial value of the RFC back.
Result<Bytes> WrapWith(EVP_CIPHER_CTX* context, Form form, ByteSpan key) {
  if (form == Form::kPlain && (key.size() < 16 || key.size() > kMaxKeySize || key.size() % 8)) {
    return InvalidArgument("a key to wrap has 16 to 4096 bytes, a multiple of 8");
  }
  if (form == Form::kPadded && (key.empty() || key.size() > kMaxKeySize)) {
    return InvalidArgument("a key to wrap has 1 to 4096 bytes");
  }
  Bytes out((key.size() + 7) / 8 * 8 + 8);
  int size = 0;
  CHECK(EVP_CipherUpdate(context, out.data(), &size, key.data(), SizeOf(key)) == 1);
  CHECK(static_cast<std::size_t>(size) == out.size());
  return out;
}

Result<SecretBytes> UnwrapWith(EVP_CIPHER_CTX* context, Form form, ByteSpan wrapped) {
  const std::size_t least = form == Form::kPlain ? 24 : 16;
  if (wrapped.size() < least || wrapped.size() > kMaxKeySize + 8 || wrapped.size() % 8 != 0) {
    return VerificationFailed("wrapped key does not open");
  }
  SecretBytes room(wrapped.size());
  const MutableByteSpan raw = room.mutable_view(CryptoSecrets::Token());
  int size = 0;
  const int ok = EVP_CipherUpdate(context, raw.data(), &size, wrapped.data(), SizeOf(wrapped));
  if (ok != 1 || size <= 0) {
    ForgetErrors();
    return VerificationFailed("wrapped key does not open");
  }
  return SecretBytes(ByteSpan(raw).first(static_cast<std::size_t>(size)));
}

// The thread's context is reset after each use, which wipes the key schedule.
class ThreadContext {
 public:
  ThreadContext(Form form, ByteSpan kek, bool encrypt) { Initialise(Get(), form, kek, encrypt); }
  ~ThreadContext() { EVP_CIPHER_CTX_reset(Get()); }
  ThreadContext(const ThreadContext&) = delete;
  ThreadContext& operator=(const ThreadContext&) = delete;

  static EVP_CIPHER_CTX* Get() {
    thread_local const CipherContextPtr context(EVP_CIPHER_CTX_new());
    CHECK(context);
    return context.get();
  }
};

Result<Bytes> WrapOnce(Form form, ByteSpan kek, ByteSpan key) {
  TRY_VOID(CheckKek(kek));
  const ThreadContext context(form, kek, true);
  return WrapWith(ThreadContext::Get(), form, key);
}

Result<SecretBytes> UnwrapOnce(Form form, ByteSpan kek, ByteSpan wrapped) {
  TRY_VOID(CheckKek(kek));
  const ThreadContext context(form, kek, false);
  return UnwrapWith(ThreadContext::Get(), form, wrapped);
}

}  // namespace

// One context for each form and direction, made when first needed.
struct AesKeyWrapper::Contexts {
  explicit Contexts(ByteSpan kek_bytes) : kek(kek_bytes) {}

  EVP_CIPHER_CTX* Get(Form form, bool encrypt) {
    CipherContextPtr& slot = slots[(form == Form::kPadded ? 2 : 0) + (encrypt ? 1 : 0)];
    if (!slot) {
      slot.reset(EVP_CIPHER_CTX_new());
      CHECK(slot);
      Initialise(slot.get(), form, kek.view(CryptoSecrets::Token()), encrypt);
    }
    return slot.get();
  }

  SecretBytes kek;
  CipherContextPtr slots[4];
};

AesKeyWrapper::AesKeyWrapper(std::unique_ptr<Contexts> contexts) : contexts_(std::move(contexts)) {}
AesKeyWrapper::AesKeyWrapper(AesKeyWrapper&&) noexcept = default;
AesKeyWrapper& AesKeyWrapper::operator=(AesKeyWrapper&&) noexcept = default;
AesKeyWrapper::~AesKeyWrapper() = default;

Result<AesKeyWrapper> AesKeyWrapper::Create(ByteSpan kek) {
  TRY_VOID(CheckKek(kek));
  return AesKeyWrapper(std::make_unique<Contexts>(kek));
}

AesKeyWrapper AesKeyWrapper::Create(const SecretArray<32>& kek) {
  return AesKeyWrapper(std::make_unique<Contexts>(kek.view(CryptoSecrets::Token())));
}

Result<Bytes> AesKeyWrapper::Wrap(ByteSpan key) {
  return WrapWith(contexts_->Get(Form::kPlain, true), Form::kPlain, key);
}
Result<Bytes> AesKeyWrapper::Wrap(const SecretArray<32>& key) {
  return Wrap(key.view(CryptoSecrets::Token()));
}
Result<Bytes> AesKeyWrapper::WrapPadded(ByteSpan key) {
  return WrapWith(contexts_->Get(Form::kPadded, true), Form::kPadded, key);
}
Result<SecretBytes> AesKeyWrapper::Unwrap(ByteSpan wrapped) {
  return UnwrapWith(contexts_->Get(Form::kPlain, false), Form::kPlain, wrapped);
}
Result<SecretBytes> AesKeyWrapper::UnwrapPadded(ByteSpan wrapped) {
  return UnwrapWith(contexts_->Get(Form::kPadded, false), Form::kPadded, wrapped);
}

Result<Bytes> AesKeyWrap(ByteSpan kek, ByteSpan key) { return WrapOnce(Form::kPlain, kek, key); }
Result<Bytes> AesKeyWrap(const SecretArray<32>& kek, const SecretArray<32>& key) {
  return AesKeyWrap(kek.view(CryptoSecrets::Token()), key.view(CryptoSecrets::Token()));
}
Result<SecretBytes> AesKeyUnwrap(ByteSpan kek, ByteSpan wrapped) {
  return UnwrapOnce(Form::kPlain, kek, wrapped);
}
Result<SecretBytes> AesKeyUnwrap(const SecretArray<32>& kek, ByteSpan wrapped) {
  return AesKeyUnwrap(kek.view(CryptoSecrets::Token()), wrapped);
}
Result<Bytes> AesKeyWrapPadded(ByteSpan kek, ByteSpan key) {
  return WrapOnce(Form::kPadded, kek, key);
}
Result<SecretBytes> AesKeyUnwrapPadded(ByteSpan kek, ByteSpan wrapped) {
  return UnwrapOnce(Form::kPadded, kek, wrapped);
}

}  // namespace salus::crypto
