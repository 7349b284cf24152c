#include "crypto/sha256.h"

#include <algorithm>
#include <variant>

#include "base/check.h"
#include "crypto/openssl_handles.h"
#include "crypto/sha256_engine.h"

namespace salus::crypto {

namespace {

// A chunk of jobs lives on the stack; large enough that lanes run dry seldom.
constexpr std::size_t kChunk = 48;

void Many(std::span<const ByteSpan> messages, std::span<Hash32> out, bool has_prefix,
          std::uint8_t prefix) {
  CHECK(messages.size() == out.size());
  if (!ShaNiEnabled()) {
    for (std::size_t i = 0; i < messages.size(); ++i) {
      const ByteSpan parts[] = {ByteSpan(&prefix, has_prefix ? 1 : 0), messages[i]};
      out[i] = Sha256OpenSsl(parts);
    }
    return;
  }
  Sha256Job jobs[kChunk];
  for (std::size_t begin = 0; begin < messages.size(); begin += kChunk) {
    const std::size_t count = std::min(kChunk, messages.size() - begin);
    for (std::size_t i = 0; i < count; ++i) {
      jobs[i].message = messages[begin + i];
      jobs[i].prefix = prefix;
      jobs[i].has_prefix = has_prefix;
      jobs[i].out = out[begin + i].data();
    }
    RunShaNiJobs(std::span(jobs, count));
  }
}

}  // namespace

Hash32 Sha256(ByteSpan message) { return Sha256({message}); }

Hash32 Sha256(std::initializer_list<ByteSpan> parts) {
  if (!ShaNiEnabled()) return Sha256OpenSsl(std::span(parts.begin(), parts.size()));
  ShaNiStream stream;
  for (const ByteSpan part : parts) stream.Update(part);
  return stream.Finish();
}

void Sha256Many(std::span<const ByteSpan> messages, std::span<Hash32> out) {
  Many(messages, out, false, 0);
}

void Sha256ManyPrefixed(std::uint8_t prefix, std::span<const ByteSpan> messages,
                        std::span<Hash32> out) {
  Many(messages, out, true, prefix);
}

struct Sha256Stream::Context {
  std::variant<ShaNiStream, DigestContextPtr> engine;

  void Begin() {
    if (ShaNiEnabled()) {
      engine.emplace<ShaNiStream>();
      return;
    }
    static const DigestPtr digest(EVP_MD_fetch(nullptr, "SHA2-256", nullptr));
    auto& context = engine.emplace<DigestContextPtr>(EVP_MD_CTX_new());
    CHECK(digest && context && EVP_DigestInit_ex2(context.get(), digest.get(), nullptr) == 1);
  }
};

Sha256Stream::Sha256Stream() : context_(std::make_unique<Context>()) { context_->Begin(); }
Sha256Stream::Sha256Stream(Sha256Stream&&) noexcept = default;
Sha256Stream& Sha256Stream::operator=(Sha256Stream&&) noexcept = default;
Sha256Stream::~Sha256Stream() = default;

void Sha256Stream::Update(ByteSpan data) {
  if (auto* fast = std::get_if<ShaNiStream>(&context_->engine)) return fast->Update(data);
  auto& context = std::get<DigestContextPtr>(context_->engine);
  CHECK(EVP_DigestUpdate(context.get(), data.data(), data.size()) == 1);
}

Hash32 Sha256Stream::Finish() {
  Hash32 out;
  if (auto* fast = std::get_if<ShaNiStream>(&context_->engine)) {
    out = fast->Finish();
  } else {
    auto& context = std::get<DigestContextPtr>(context_->engine);
    CHECK(EVP_DigestFinal_ex(context.get(), out.data(), nullptr) == 1);
  }
  context_->Begin();
  return out;
}

}  // namespace salus::crypto
