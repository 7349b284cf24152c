// The SHA-256 engines behind sha256.h and hmac.h; internal to the module.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <initializer_list>
#include <span>

#include "base/bytes.h"
#include "crypto/sha256.h"

namespace salus::crypto {

using Sha256State = std::array<std::uint32_t, 8>;
extern const Sha256State kSha256Initial;

// ShaNiCompress runs block_count blocks of 64 bytes through each state (SHA extensions needed).
void ShaNiCompress1(std::uint32_t* state, const std::uint8_t* blocks, std::size_t block_count);
void ShaNiCompress2(std::uint32_t* const* states, const std::uint8_t* const* blocks,
                    std::size_t block_count);
void ShaNiCompress3(std::uint32_t* const* states, const std::uint8_t* const* blocks,
                    std::size_t block_count);

// ShaNiDetected asks the CPU. ShaNiEnabled is that answer, unless a test or benchmark turned it off
// with SetShaNiEnabled to see the OpenSSL path.
bool ShaNiDetected();
bool ShaNiEnabled();
void SetShaNiEnabled(bool enabled);

// Sha256OpenSsl is the engine for all other CPUs.
Hash32 Sha256OpenSsl(std::span<const ByteSpan> parts);

// Sha256Job is one message for RunShaNiJobs: optionally a first byte, and a state that has absorbed
// blocks before (HMAC).
struct Sha256Job {
  const Sha256State* initial = &kSha256Initial;
  std::uint64_t absorbed_bytes = 0;
  ByteSpan message;
  std::uint8_t prefix = 0;
  bool has_prefix = false;
  std::uint8_t* out = nullptr;  // 32 bytes
};

// RunShaNiJobs keeps three lanes filled until all jobs are done.
void RunShaNiJobs(std::span<const Sha256Job> jobs);

// ShaNiStream is an incremental hash on the SHA extensions, all of it on the stack.
class ShaNiStream {
 public:
  explicit ShaNiStream(const Sha256State& initial = kSha256Initial,
                       std::uint64_t absorbed_bytes = 0)
      : state_(initial), total_bytes_(absorbed_bytes) {}
  void Update(ByteSpan data);
  Hash32 Finish();

 private:
  Sha256State state_;
  std::uint64_t total_bytes_;
  std::array<std::uint8_t, 128> buffer_;
  std::size_t used_ = 0;
};

}  // namespace salus::crypto
