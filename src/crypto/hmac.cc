#include "crypto/hmac.h"

#include <algorithm>

#include "base/check.h"
#include "crypto/secret_mint.h"
#include "crypto/sha256_engine.h"

namespace salus::crypto {

namespace {

constexpr std::size_t kBlock = 64;
constexpr std::size_t kChunk = 32;

template <std::size_t kSize>
std::array<std::uint8_t, kSize> Xored(const std::array<std::uint8_t, kSize>& block,
                                      std::uint8_t with) {
  std::array<std::uint8_t, kSize> out;
  for (std::size_t i = 0; i < kSize; ++i) out[i] = static_cast<std::uint8_t>(block[i] ^ with);
  return out;
}

Hash32 MacOpenSsl(const std::array<std::uint8_t, kBlock>& block,
                  std::span<const ByteSpan> message) {
  auto inner = Xored(block, 0x36);
  auto outer = Xored(block, 0x5c);
  std::vector<ByteSpan> parts;
  parts.reserve(message.size() + 1);
  parts.emplace_back(inner);
  parts.insert(parts.end(), message.begin(), message.end());
  const Hash32 digest = Sha256OpenSsl(parts);
  const ByteSpan last[] = {outer, digest};
  const Hash32 mac = Sha256OpenSsl(last);
  WipeMemory(inner.data(), inner.size());
  WipeMemory(outer.data(), outer.size());
  return mac;
}

// HMAC over the two hashes with blocks of 128 bytes.
template <typename Hash>
Hash Hmac128(Hash (*hash)(std::initializer_list<ByteSpan>), ByteSpan key,
             std::initializer_list<ByteSpan> parts) {
  std::array<std::uint8_t, 128> block{};
  if (key.size() > block.size()) {
    const Hash digest = hash({key});
    std::memcpy(block.data(), digest.data(), digest.size());
  } else if (!key.empty()) {
    std::memcpy(block.data(), key.data(), key.size());
  }
  auto inner = Xored(block, 0x36);
  auto outer = Xored(block, 0x5c);
  CHECK(parts.size() <= 4);
  ByteSpan p[4];
  std::copy(parts.begin(), parts.end(), p);
  const Hash digest = hash({inner, p[0], p[1], p[2], p[3]});
  const Hash mac = hash({outer, digest});
  WipeMemory(block.data(), block.size());
  WipeMemory(inner.data(), inner.size());
  WipeMemory(outer.data(), outer.size());
  return mac;
}

}  // namespace

HmacSha256Key::HmacSha256Key(ByteSpan key) { Absorb(key); }
HmacSha256Key::HmacSha256Key(const SecretArray<32>& key) {
  Absorb(key.view(CryptoSecrets::Token()));
}
HmacSha256Key::HmacSha256Key(const SecretBytes& key) { Absorb(key.view(CryptoSecrets::Token())); }

HmacSha256Key::HmacSha256Key(HmacSha256Key&& other) noexcept
    : inner_(other.inner_), outer_(other.outer_), block_(other.block_) {
  other.Wipe();
}

HmacSha256Key& HmacSha256Key::operator=(HmacSha256Key&& other) noexcept {
  if (this != &other) {
    inner_ = other.inner_;
    outer_ = other.outer_;
    block_ = other.block_;
    other.Wipe();
  }
  return *this;
}

HmacSha256Key::~HmacSha256Key() { Wipe(); }

void HmacSha256Key::Wipe() {
  WipeMemory(inner_.data(), sizeof inner_);
  WipeMemory(outer_.data(), sizeof outer_);
  WipeMemory(block_.data(), sizeof block_);
}

void HmacSha256Key::Absorb(ByteSpan key) {
  if (key.size() > kBlock) {
    const Hash32 digest = Sha256(key);
    std::memcpy(block_.data(), digest.data(), digest.size());
  } else if (!key.empty()) {
    std::memcpy(block_.data(), key.data(), key.size());
  }
  if (!ShaNiDetected()) return;
  auto inner = Xored(block_, 0x36);
  auto outer = Xored(block_, 0x5c);
  inner_ = kSha256Initial;
  outer_ = kSha256Initial;
  std::uint32_t* const states[] = {inner_.data(), outer_.data()};
  const std::uint8_t* const blocks[] = {inner.data(), outer.data()};
  ShaNiCompress2(states, blocks, 1);
  WipeMemory(inner.data(), inner.size());
  WipeMemory(outer.data(), outer.size());
}

Hash32 HmacSha256Key::Mac(ByteSpan message) const { return Mac({message}); }

Hash32 HmacSha256Key::Mac(std::initializer_list<ByteSpan> parts) const {
  if (!ShaNiEnabled()) return MacOpenSsl(block_, std::span(parts.begin(), parts.size()));
  ShaNiStream stream(inner_, kBlock);
  for (const ByteSpan part : parts) stream.Update(part);
  const Hash32 digest = stream.Finish();
  ShaNiStream last(outer_, kBlock);
  last.Update(digest);
  return last.Finish();
}

SecretArray<32> HmacSha256Key::MacSecret(std::initializer_list<ByteSpan> parts) const {
  Hash32 mac = Mac(parts);
  SecretArray<32> out{std::span<const std::uint8_t, 32>(mac)};
  WipeMemory(mac.data(), mac.size());
  return out;
}

template <typename OutOf>
void HmacSha256Key::Many(std::span<const HmacSha256Key* const> keys,
                         std::span<const ByteSpan> messages, const OutOf& out_of) {
  CHECK(keys.size() == messages.size());
  if (!ShaNiEnabled()) {
    for (std::size_t i = 0; i < keys.size(); ++i) {
      Hash32 mac = keys[i]->Mac(messages[i]);
      std::memcpy(out_of(i), mac.data(), mac.size());
      WipeMemory(mac.data(), mac.size());
    }
    return;
  }
  Sha256Job jobs[kChunk];
  Hash32 inner[kChunk];
  for (std::size_t begin = 0; begin < keys.size(); begin += kChunk) {
    const std::size_t count = std::min(kChunk, keys.size() - begin);
    for (std::size_t i = 0; i < count; ++i) {
      jobs[i].initial = &keys[begin + i]->inner_;
      jobs[i].absorbed_bytes = kBlock;
      jobs[i].message = messages[begin + i];
      jobs[i].out = inner[i].data();
    }
    RunShaNiJobs(std::span(jobs, count));
    for (std::size_t i = 0; i < count; ++i) {
      jobs[i].initial = &keys[begin + i]->outer_;
      jobs[i].message = inner[i];
      jobs[i].out = out_of(begin + i);
    }
    RunShaNiJobs(std::span(jobs, count));
  }
  WipeMemory(inner, sizeof inner);
}

void HmacSha256Many(std::span<const HmacSha256Key* const> keys, std::span<const ByteSpan> messages,
                    std::span<Hash32> out) {
  CHECK(keys.size() == out.size());
  HmacSha256Key::Many(keys, messages, [out](std::size_t i) { return out[i].data(); });
}

void HmacSha256Many(std::span<const HmacSha256Key* const> keys, std::span<const ByteSpan> messages,
                    std::span<SecretArray<32>> out) {
  CHECK(keys.size() == out.size());
  HmacSha256Key::Many(keys, messages, [out](std::size_t i) {
    return out[i].mutable_view(CryptoSecrets::Token()).data();
  });
}

Hash48 HmacSha384(ByteSpan key, std::initializer_list<ByteSpan> parts) {
  return Hmac128<Hash48>(Sha384, key, parts);
}

Hash64 HmacSha512(ByteSpan key, std::initializer_list<ByteSpan> parts) {
  return Hmac128<Hash64>(Sha512, key, parts);
}

Hash64 HmacSha512(const SecretArray<32>& key, std::initializer_list<ByteSpan> parts) {
  return HmacSha512(key.view(CryptoSecrets::Token()), parts);
}

}  // namespace salus::crypto
