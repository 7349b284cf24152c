// HolderIndex finds the patient that a certificate, or a bare key, was registered for.
//
// Threads: as a standard container.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "audit/directory.h"
#include "audit/subject.h"
#include "crypto/p256.h"

namespace salus::audit {

// What it says is only a hint: a row that was replaced stays in it.
class HolderIndex {
 public:
  void Add(const PatientRow& row);
  std::optional<Subject> OfCertificate(std::string_view fingerprint) const;
  std::optional<Subject> OfKey(const crypto::P256PublicKey& key) const;

 private:
  std::unordered_map<std::string, Subject> by_certificate_;  // by fingerprint
  std::unordered_map<std::string, Subject> by_key_;          // by SEC 1 encoding
};

}  // namespace salus::audit
