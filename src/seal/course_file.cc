#include "seal/course_file.h"

#include "crypto/aes_eax.h"
#include "seal/key_access.h"

namespace salus::seal {

namespace {

constexpr std::size_t kNonceSize = 16;
constexpr std::size_t kPieceBytes = 64 * 1024;

Error DoesNotOpen() {
  return VerificationFailed(
      "the file does not open as the course's format: it was changed or cut short, or it was "
      "sealed for another key");
}

// EachPiece gives what is left of source to use, a piece at a time.
template <typename Use>
Result<void> EachPiece(ByteSource& source, Use use) {
  Bytes room(kPieceBytes);
  for (;;) {
    TRY(const std::size_t size, source.Read(room));
    if (size > 0) {
      TRY_VOID(use(MutableByteSpan(room).first(size)));
    }
    if (size < room.size()) return {};
  }
}

// Envelope is all that stands before the ciphertext.
struct Envelope {
  Bytes key_block, nonce, tag;
};

Result<Envelope> ReadEnvelope(ByteSource& source, std::size_t key_block_size) {
  Bytes bytes(key_block_size + kNonceSize + crypto::kEaxTagSize);
  TRY(const std::size_t size, source.Read(bytes));
  if (size < bytes.size()) return DoesNotOpen();
  const ByteSpan view(bytes);
  return Envelope{ToBytes(view.first(key_block_size)),
                  ToBytes(view.subspan(key_block_size, kNonceSize)),
                  ToBytes(view.last(crypto::kEaxTagSize))};
}

std::size_t KeyBlockSize(std::size_t key_size_bits) { return (key_size_bits + 7) / 8; }

}  // namespace

std::size_t CourseOverheadBytes(std::size_t key_size_bits) {
  return KeyBlockSize(key_size_bits) + kNonceSize + crypto::kEaxTagSize;
}

Result<void> SealCourse(const crypto::RsaPublicKey& recipient, RepeatableSource& plaintext,
                        ByteSink& out, RandomSource& random) {
  SecretArray<16> key;
  random.Fill(key.mutable_view(KeyAccess::Token()));
  const ByteSpan key_view = key.view(KeyAccess::Token());
  const auto nonce = random.Array<kNonceSize>();
  TRY(const Bytes key_block, recipient.EncryptOaep(crypto::RsaOaepHash::kSha1, key_view));

  TRY(crypto::AesEaxStream first, crypto::AesEaxStream::Create(key_view, nonce, {}));
  TRY_VOID(EachPiece(plaintext, [&](MutableByteSpan piece) -> Result<void> {
    first.Seal(piece, piece);
    return {};
  }));
  const crypto::EaxTag tag = first.Tag();

  for (const ByteSpan part : {ByteSpan(key_block), ByteSpan(nonce), ByteSpan(tag)}) {
    TRY_VOID(out.Write(part));
  }
  plaintext.Rewind();
  TRY(crypto::AesEaxStream second, crypto::AesEaxStream::Create(key_view, nonce, {}));
  TRY_VOID(EachPiece(plaintext, [&](MutableByteSpan piece) {
    second.Seal(piece, piece);
    return out.Write(piece);
  }));
  if (second.Tag() != tag) {
    return Unavailable("the input changed while it was sealed; seal it again");
  }
  return {};
}

Result<void> OpenCourse(const crypto::RsaPrivateKey& key, RepeatableSource& sealed, ByteSink& out) {
  const std::size_t key_block_size = KeyBlockSize(key.public_key().size_bits());
  TRY(const Envelope envelope, ReadEnvelope(sealed, key_block_size));
  const auto aes_key = key.DecryptOaep(crypto::RsaOaepHash::kSha1, envelope.key_block);
  if (!aes_key.has_value()) return DoesNotOpen();
  const ByteSpan key_view = aes_key->view(KeyAccess::Token());
  auto check = crypto::AesEaxStream::Create(key_view, envelope.nonce, {});
  if (!check.has_value()) return DoesNotOpen();
  TRY_VOID(EachPiece(sealed, [&](ByteSpan piece) -> Result<void> {
    check->Authenticate(piece);
    return {};
  }));
  if (!ConstantTimeEqual(check->Tag(), envelope.tag)) return DoesNotOpen();

  sealed.Rewind();
  TRY_VOID(ReadEnvelope(sealed, key_block_size));
  TRY(crypto::AesEaxStream open, crypto::AesEaxStream::Create(key_view, envelope.nonce, {}));
  TRY_VOID(EachPiece(sealed, [&](MutableByteSpan piece) {
    open.Open(piece, piece);
    return out.Write(piece);
  }));
  if (!ConstantTimeEqual(open.Tag(), envelope.tag)) {
    return VerificationFailed("the input changed while it was opened; throw away what came");
  }
  return {};
}

}  // namespace salus::seal
