// PayloadSealer and OpenPayload are the binary part of a sealed file: chunks of 64 KiB, each
// authenticated, in an order and with an end that can't be changed.
//
// Source: C2SP age.md, "Payload" (a variant of STREAM).
// Shape:  nonce of 16 bytes, then chunks of 65,536 + 16 bytes; the last may be shorter, and is
// empty
//         only in an empty file.
#pragma once

#include <functional>
#include <memory>

#include "base/random.h"
#include "base/result.h"
#include "seal/chunk_pipeline.h"
#include "seal/recipient.h"
#include "seal/stream.h"

namespace salus::seal {

inline constexpr std::size_t kChunkBytes = 65'536;
inline constexpr std::size_t kSealedChunkBytes = kChunkBytes + 16;
inline constexpr std::size_t kPayloadNonceBytes = 16;

// DefaultThreads is how many threads a large file is worked on with: the machine's, four at most.
unsigned DefaultThreads();

class PayloadSealer final : public ByteSink {
 public:
  // Start writes the nonce to out, which outlives the sealer.
  static Result<std::unique_ptr<PayloadSealer>> Start(ByteSink& out, const FileKey& key,
                                                      RandomSource& random, unsigned threads);

  Result<void> Write(ByteSpan bytes) override;
  // Finish writes the last chunk. Without it the file does not open.
  Result<void> Finish();

  // CopyFrom writes all of source, without another copy in memory; moved is told how many bytes
  // have been read so far.
  Result<void> CopyFrom(ByteSource& source, const std::function<void(std::uint64_t)>& moved);

 private:
  PayloadSealer(ByteSink& out, const SecretArray<32>& payload_key, unsigned threads);
  Result<void> SubmitFull();

  ChunkPipeline pipeline_;
  ChunkBatch* batch_ = nullptr;
  std::uint64_t next_chunk_ = 0;
};

// OpenPayload writes the chunks of source to out as each is authenticated; moved is told how many
// sealed bytes have been read so far. What left before an error is authentic, and not all.
//
// Errors: VerificationFailed: a chunk was changed, moved, cut off or appended; those of source and
// out.
Result<void> OpenPayload(ByteSource& source, ByteSink& out, const FileKey& key, unsigned threads,
                         const std::function<void(std::uint64_t)>& moved);

}  // namespace salus::seal
