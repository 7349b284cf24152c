// ElementVector is a list of field elements that are secret: wiped when destroyed, never copied.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <span>
#include <utility>

#include "aggregate/public_fact.h"
#include "base/bytes.h"
#include "base/result.h"
#include "base/secret.h"

namespace salus::aggregate {

template <class F>
class ElementVector {
 public:
  ElementVector() = default;
  explicit ElementVector(std::size_t length)
      : elements_(std::make_unique<F[]>(length)), length_(length) {}
  ElementVector(ElementVector&& other) noexcept
      : elements_(std::move(other.elements_)), length_(std::exchange(other.length_, 0)) {}
  ElementVector& operator=(ElementVector&& other) noexcept {
    std::swap(elements_, other.elements_);
    std::swap(length_, other.length_);
    return *this;
  }
  ElementVector(const ElementVector&) = delete;
  ElementVector& operator=(const ElementVector&) = delete;
  ~ElementVector() {
    if (elements_ != nullptr) WipeMemory(elements_.get(), length_ * sizeof(F));
  }

  std::size_t size() const { return length_; }
  std::span<F> all() { return {elements_.get(), length_}; }
  std::span<const F> all() const { return {elements_.get(), length_}; }
  std::span<F> part(std::size_t from, std::size_t length) { return all().subspan(from, length); }
  std::span<const F> part(std::size_t from, std::size_t length) const {
    return all().subspan(from, length);
  }

 private:
  std::unique_ptr<F[]> elements_;
  std::size_t length_ = 0;
};

// EncodeElements writes elements.size() * kEncodedBytes bytes.
//
// Source: VDAF draft-20 section 6.1.1.
// Shape:  little-endian, one after the other.
template <class F>
void EncodeElements(std::span<const F> elements, MutableByteSpan out) {
  std::uint8_t* to = out.data();
  for (const F& element : elements) {
    element.Encode(to);
    to += F::kEncodedBytes;
  }
}

// DecodeElements reads out.size() elements; false when one is not below the modulus. It looks at
// all of them before it answers.
template <class F>
[[nodiscard]] bool DecodeElements(ByteSpan bytes, std::span<F> out) {
  const std::uint8_t* from = bytes.data();
  bool canonical = true;
  for (F& element : out) {
    canonical &= F::Decode(from, element);
    from += F::kEncodedBytes;
  }
  return PublicFact(canonical);
}

template <class F>
void AddElements(std::span<F> to, std::span<const F> what) {
  for (std::size_t i = 0; i < to.size(); ++i) to[i] += what[i];
}
template <class F>
void SubtractElements(std::span<F> from, std::span<const F> what) {
  for (std::size_t i = 0; i < from.size(); ++i) from[i] -= what[i];
}

// AddEncoded adds encoded elements to as many others.
//
// Errors: InvalidArgument when an element is not below the modulus.
template <class F>
Result<void> AddEncoded(MutableByteSpan to, ByteSpan what) {
  ElementVector<F> sum(to.size() / F::kEncodedBytes), more(what.size() / F::kEncodedBytes);
  const bool is_canonical = DecodeElements<F>(to, sum.all());
  if (!DecodeElements<F>(what, more.all()) || !is_canonical) {
    return InvalidArgument("an element of a share is not below the modulus");
  }
  AddElements<F>(sum.all(), more.all());
  EncodeElements<F>(sum.all(), to);
  return {};
}

}  // namespace salus::aggregate
