#include "seal/age_payload.h"

#include <algorithm>
#include <array>

#include "base/check.h"
#include "base/endian.h"
#include "crypto/chacha20_poly1305.h"
#include "crypto/hkdf.h"
#include "seal/key_access.h"

namespace salus::seal {

namespace {

constexpr std::size_t kTagBytes = kSealedChunkBytes - kChunkBytes;
// A batch is what a thread does before it looks for the next: with two chunks waking the threads
// shows, with eight it is a sixth faster yet, for two more megabytes.
constexpr std::size_t kBatchChunks = 4;

using ChunkNonce = std::array<std::uint8_t, 12>;

// The counter has 11 bytes, of which a file of 2^64 chunks would need 8.
ChunkNonce NonceOf(std::uint64_t chunk, bool is_last) {
  ChunkNonce nonce{};
  for (int i = 0; i < 8; ++i) nonce[10 - i] = static_cast<std::uint8_t>(chunk >> (8 * i));
  nonce[11] = is_last ? 1 : 0;
  return nonce;
}

SecretArray<32> PayloadKey(const FileKey& key, ByteSpan nonce) {
  SecretArray<32> out;
  CHECK(crypto::HkdfSha256(key.view(KeyAccess::Token()), nonce, AsBytes("payload"),
                           out.mutable_view(KeyAccess::Token()))
            .has_value());
  return out;
}

// Every thread has a cipher of its own, under the same key.
template <typename Work>
std::function<ChunkWork()> WithCipher(const SecretArray<32>& key, Work work) {
  auto shared = std::make_shared<const SecretArray<32>>(key.Clone());
  return [shared, work] {
    auto cipher = std::make_shared<crypto::ChaCha20Poly1305Chunks>(*shared);
    return [cipher, work](ChunkBatch& batch) { return work(*cipher, batch); };
  };
}

Result<void> SealBatch(crypto::ChaCha20Poly1305Chunks& cipher, ChunkBatch& batch) {
  std::size_t done = 0;
  std::uint64_t chunk = batch.first_chunk;
  do {
    const std::size_t size = std::min(kChunkBytes, batch.in_size - done);
    const bool is_last = batch.is_last && done + size == batch.in_size;
    cipher.Seal(NonceOf(chunk++, is_last), ByteSpan(batch.in).subspan(done, size),
                MutableByteSpan(batch.out).subspan(batch.out_size, size + kTagBytes));
    done += size;
    batch.out_size += size + kTagBytes;
  } while (done < batch.in_size);
  return {};
}

// OpenChunk opens one chunk, and says what happened where it doesn't open at its place.
Result<void> OpenChunk(crypto::ChaCha20Poly1305Chunks& cipher, std::uint64_t chunk, bool is_last,
                       ByteSpan sealed, ChunkBatch& batch) {
  if (sealed.size() < kTagBytes || (sealed.size() == kTagBytes && chunk > 0)) {
    return VerificationFailed("the sealed file is cut off, or something was appended to it");
  }
  const std::size_t size = sealed.size() - kTagBytes;
  const MutableByteSpan out = MutableByteSpan(batch.out).subspan(batch.out_size, size);
  if (cipher.Open(NonceOf(chunk, is_last), sealed, out)) {
    batch.out_size += size;
    return {};
  }
  // A true chunk that is the last where more follows, or the other way, is authentic itself.
  if (sealed.size() == kSealedChunkBytes && cipher.Open(NonceOf(chunk, !is_last), sealed, out)) {
    batch.out_size += size;
    return VerificationFailed(is_last ? "the sealed file is cut off: its end is missing"
                                      : "something was appended to the sealed file");
  }
  return VerificationFailed("chunk " + std::to_string(chunk + 1) +
                            " of the sealed file was changed or is not in its place, or the file "
                            "is cut off");
}

Result<void> OpenBatch(crypto::ChaCha20Poly1305Chunks& cipher, ChunkBatch& batch) {
  std::size_t done = 0;
  std::uint64_t chunk = batch.first_chunk;
  do {
    const std::size_t size = std::min(kSealedChunkBytes, batch.in_size - done);
    const bool is_last = batch.is_last && done + size == batch.in_size;
    TRY_VOID(OpenChunk(cipher, chunk++, is_last, ByteSpan(batch.in).subspan(done, size), batch));
    done += size;
  } while (done < batch.in_size);
  return {};
}

// FeedPipeline reads source to its end in batches of whole chunks. A full batch waits until the
// next read shows whether it is the last.
Result<std::uint64_t> FeedPipeline(ByteSource& source, ChunkPipeline& pipeline,
                                   std::size_t chunk_bytes, std::uint64_t moved_before,
                                   const std::function<void(std::uint64_t)>& moved) {
  const std::size_t batch_bytes = kBatchChunks * chunk_bytes;
  std::uint64_t chunks = 0;
  std::uint64_t total = moved_before;
  ChunkBatch* full = nullptr;
  while (true) {
    ChunkBatch& batch = pipeline.Next();
    TRY(batch.in_size, source.Read(MutableByteSpan(batch.in).first(batch_bytes)));
    if (full != nullptr) {
      full->is_last = batch.in_size == 0;
      TRY_VOID(pipeline.Submit(*full));
      if (batch.in_size == 0) return total;
    }
    total += batch.in_size;
    if (moved) moved(total);
    batch.first_chunk = chunks;
    chunks += kBatchChunks;
    if (batch.in_size < batch_bytes) {
      batch.is_last = true;
      TRY_VOID(pipeline.Submit(batch));
      return total;
    }
    full = &batch;
  }
}

}  // namespace

unsigned DefaultThreads() { return std::clamp(std::thread::hardware_concurrency(), 1u, 4u); }

PayloadSealer::PayloadSealer(ByteSink& out, const SecretArray<32>& payload_key, unsigned threads)
    : pipeline_(WithCipher(payload_key, SealBatch), out, kBatchChunks * kChunkBytes,
                kBatchChunks * kSealedChunkBytes, threads) {}

Result<std::unique_ptr<PayloadSealer>> PayloadSealer::Start(ByteSink& out, const FileKey& key,
                                                            RandomSource& random,
                                                            unsigned threads) {
  const auto nonce = random.Array<kPayloadNonceBytes>();
  TRY_VOID(out.Write(nonce));
  return std::unique_ptr<PayloadSealer>(new PayloadSealer(out, PayloadKey(key, nonce), threads));
}

Result<void> PayloadSealer::SubmitFull() {
  batch_->first_chunk = next_chunk_;
  next_chunk_ += kBatchChunks;
  ChunkBatch& full = *batch_;
  batch_ = nullptr;
  return pipeline_.Submit(full);
}

Result<void> PayloadSealer::Write(ByteSpan bytes) {
  while (!bytes.empty()) {
    // A full batch goes when more comes: the last one is handed over by Finish.
    if (batch_ != nullptr && batch_->in_size == kBatchChunks * kChunkBytes) TRY_VOID(SubmitFull());
    if (batch_ == nullptr) batch_ = &pipeline_.Next();
    const std::size_t size = std::min(bytes.size(), kBatchChunks * kChunkBytes - batch_->in_size);
    std::copy_n(bytes.begin(), size,
                batch_->in.begin() + static_cast<std::ptrdiff_t>(batch_->in_size));
    batch_->in_size += size;
    bytes = bytes.subspan(size);
  }
  return {};
}

Result<void> PayloadSealer::Finish() {
  if (batch_ == nullptr) batch_ = &pipeline_.Next();
  batch_->is_last = true;
  TRY_VOID(SubmitFull());
  return pipeline_.Finish();
}

Result<void> PayloadSealer::CopyFrom(ByteSource& source,
                                     const std::function<void(std::uint64_t)>& moved) {
  CHECK(batch_ == nullptr && next_chunk_ == 0);
  TRY_VOID(FeedPipeline(source, pipeline_, kChunkBytes, 0, moved));
  return pipeline_.Finish();
}

Result<void> OpenPayload(ByteSource& source, ByteSink& out, const FileKey& key, unsigned threads,
                         const std::function<void(std::uint64_t)>& moved) {
  std::array<std::uint8_t, kPayloadNonceBytes> nonce;
  TRY(const std::size_t got, source.Read(nonce));
  if (got < kPayloadNonceBytes)
    return VerificationFailed("the sealed file is cut off behind its header");
  ChunkPipeline pipeline(WithCipher(PayloadKey(key, nonce), OpenBatch), out,
                         kBatchChunks * kSealedChunkBytes, kBatchChunks * kChunkBytes, threads);
  const Result<std::uint64_t> fed =
      FeedPipeline(source, pipeline, kSealedChunkBytes, kPayloadNonceBytes, moved);
  // What the threads found comes before what the reading did.
  TRY_VOID(pipeline.Finish());
  if (!fed) return fed.error();
  return {};
}

}  // namespace salus::seal
