#include "crypto/sha256_engine.h"

#include <algorithm>

#include "base/check.h"
#include "base/endian.h"
#include "crypto/openssl_handles.h"

namespace salus::crypto {

// FIPS 180-4 section 5.3.3.
constinit const Sha256State kSha256Initial = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                              0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

namespace {

// Before this is initialised it reads false, and static initialisers elsewhere take OpenSSL.
std::atomic<bool> sha_ni_enabled{ShaNiDetected()};

constexpr std::size_t kBlock = 64;

void StoreDigest(const Sha256State& state, std::uint8_t* out) {
  for (std::size_t i = 0; i < state.size(); ++i) StoreBe(out + 4 * i, state[i]);
}

// PadTail appends 0x80, zeros and the bit length behind `used` bytes; the number of blocks it made.
std::size_t PadTail(std::uint8_t* buffer, std::size_t used, std::uint64_t total_bytes) {
  const std::size_t blocks = (used + 9 + kBlock - 1) / kBlock;
  buffer[used] = 0x80;
  std::memset(buffer + used + 1, 0, blocks * kBlock - 8 - used - 1);
  StoreBe<std::uint64_t>(buffer + blocks * kBlock - 8, total_bytes * 8);
  return blocks;
}

// Lane walks through one job: at most a copied head block, the blocks that lie in the message
// itself, and a padded tail. A short message is copied whole, so that it is one run of blocks.
class Lane {
 public:
  void Start(const Sha256Job& job) {
    job_ = &job;
    state_ = *job.initial;
    run_count_ = 0;
    next_run_ = 0;
    const std::size_t prefix_size = job.has_prefix ? 1 : 0;
    const std::uint64_t total = job.absorbed_bytes + prefix_size + job.message.size();
    const std::uint8_t* from = job.message.data();
    std::size_t left = job.message.size();
    std::size_t used = 0;
    if (job.has_prefix) tail_[used++] = job.prefix;
    if (prefix_size + left > kCopied) {
      if (job.has_prefix) {
        head_[0] = job.prefix;
        std::memcpy(head_ + 1, from, kBlock - 1);
        from += kBlock - 1;
        left -= kBlock - 1;
        AddRun(head_, 1);
        used = 0;
      }
      const std::size_t whole = left / kBlock;
      if (whole > 0) AddRun(from, whole);
      from += whole * kBlock;
      left -= whole * kBlock;
    }
    if (left > 0) std::memcpy(tail_ + used, from, left);
    AddRun(tail_, PadTail(tail_, used + left, total));
  }

  std::uint32_t* state() { return state_.data(); }
  const std::uint8_t* blocks() const { return runs_[next_run_].from; }
  std::size_t block_count() const { return runs_[next_run_].count; }

  // Advance says whether the message goes on.
  bool Advance(std::size_t count) {
    Run& run = runs_[next_run_];
    run.from += count * kBlock;
    run.count -= count;
    if (run.count > 0) return true;
    if (++next_run_ < run_count_) return true;
    StoreDigest(state_, job_->out);
    return false;
  }

  // Wipe matters where the message or the output is a key (HMAC).
  void Wipe() {
    std::memset(head_, 0, sizeof head_);
    std::memset(tail_, 0, sizeof tail_);
    __asm__ volatile("" : : "r"(this) : "memory");
  }

 private:
  static constexpr std::size_t kCopied = 247;  // what fits in the tail with its padding
  struct Run {
    const std::uint8_t* from;
    std::size_t count;
  };
  void AddRun(const std::uint8_t* from, std::size_t count) { runs_[run_count_++] = {from, count}; }

  Sha256State state_;
  const Sha256Job* job_;
  Run runs_[3];
  std::size_t run_count_, next_run_;
  std::uint8_t head_[kBlock];
  std::uint8_t tail_[256];
};

}  // namespace

bool ShaNiEnabled() { return sha_ni_enabled.load(std::memory_order_relaxed); }

void SetShaNiEnabled(bool enabled) { sha_ni_enabled = enabled && ShaNiDetected(); }

void RunShaNiJobs(std::span<const Sha256Job> jobs) {
  Lane storage[3];
  Lane* active[3];
  std::size_t active_count = 0;
  std::size_t next = 0;
  while (active_count < 3 && next < jobs.size()) {
    storage[active_count].Start(jobs[next++]);
    active[active_count] = &storage[active_count];
    ++active_count;
  }
  while (active_count > 0) {
    std::uint32_t* states[3];
    const std::uint8_t* blocks[3];
    std::size_t count = active[0]->block_count();
    for (std::size_t i = 0; i < active_count; ++i) {
      states[i] = active[i]->state();
      blocks[i] = active[i]->blocks();
      count = std::min(count, active[i]->block_count());
    }
    if (active_count == 3) {
      ShaNiCompress3(states, blocks, count);
    } else if (active_count == 2) {
      ShaNiCompress2(states, blocks, count);
    } else {
      ShaNiCompress1(states[0], blocks[0], count);
    }
    for (std::size_t i = active_count; i-- > 0;) {
      if (active[i]->Advance(count)) continue;
      if (next < jobs.size()) {
        active[i]->Start(jobs[next++]);
      } else {
        active[i] = active[--active_count];
      }
    }
  }
  for (Lane& lane : storage) lane.Wipe();
}

void ShaNiStream::Update(ByteSpan data) {
  total_bytes_ += data.size();
  if (used_ > 0) {
    const std::size_t take = std::min(kBlock - used_, data.size());
    if (take > 0) std::memcpy(buffer_.data() + used_, data.data(), take);
    used_ += take;
    data = data.subspan(take);
    if (used_ < kBlock) return;
    ShaNiCompress1(state_.data(), buffer_.data(), 1);
    used_ = 0;
  }
  const std::size_t whole = data.size() / kBlock;
  if (whole > 0) ShaNiCompress1(state_.data(), data.data(), whole);
  data = data.subspan(whole * kBlock);
  if (!data.empty()) std::memcpy(buffer_.data(), data.data(), data.size());
  used_ = data.size();
}

Hash32 ShaNiStream::Finish() {
  const std::size_t blocks = PadTail(buffer_.data(), used_, total_bytes_);
  ShaNiCompress1(state_.data(), buffer_.data(), blocks);
  Hash32 out;
  StoreDigest(state_, out.data());
  std::memset(buffer_.data(), 0, buffer_.size());
  __asm__ volatile("" : : "r"(buffer_.data()) : "memory");
  return out;
}

namespace {

const EVP_MD* Sha256Algorithm() {
  static const DigestPtr digest(EVP_MD_fetch(nullptr, "SHA2-256", nullptr));
  CHECK(digest);
  return digest.get();
}

}  // namespace

Hash32 Sha256OpenSsl(std::span<const ByteSpan> parts) {
  thread_local const DigestContextPtr context(EVP_MD_CTX_new());
  CHECK(context && EVP_DigestInit_ex2(context.get(), Sha256Algorithm(), nullptr) == 1);
  for (const ByteSpan part : parts) {
    CHECK(EVP_DigestUpdate(context.get(), part.data(), part.size()) == 1);
  }
  Hash32 out;
  CHECK(EVP_DigestFinal_ex(context.get(), out.data(), nullptr) == 1);
  return out;
}

}  // namespace salus::crypto
