#include "base/secret.h"

#include <string.h>  // explicit_bzero is POSIX, not C++

#include <utility>

namespace salus {

void WipeMemory(void* data, std::size_t size_bytes) {
  if (size_bytes != 0) explicit_bzero(data, size_bytes);
}

bool ConstantTimeEqual(ByteSpan a, ByteSpan b) {
  if (a.size() != b.size()) return false;
  // volatile keeps the compiler from turning the loop into an early-exit comparison.
  volatile std::uint8_t difference = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    difference = static_cast<std::uint8_t>(difference | (a[i] ^ b[i]));
  }
  return difference == 0;
}

SecretBytes::SecretBytes(std::size_t size_bytes)
    : bytes_(std::make_unique<std::uint8_t[]>(size_bytes)), size_(size_bytes) {}

SecretBytes::SecretBytes(ByteSpan from) : SecretBytes(from.size()) {
  if (size_ != 0) std::memcpy(bytes_.get(), from.data(), size_);
}

SecretBytes::SecretBytes(SecretBytes&& other) noexcept
    : bytes_(std::move(other.bytes_)), size_(std::exchange(other.size_, 0)) {}

SecretBytes& SecretBytes::operator=(SecretBytes&& other) noexcept {
  if (this != &other) {
    Wipe();
    bytes_ = std::move(other.bytes_);
    size_ = std::exchange(other.size_, 0);
  }
  return *this;
}

SecretBytes SecretBytes::Clone() const { return SecretBytes(ByteSpan(bytes_.get(), size_)); }

void SecretBytes::Wipe() {
  if (bytes_) WipeMemory(bytes_.get(), size_);
}

}  // namespace salus
