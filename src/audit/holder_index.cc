#include "audit/holder_index.h"

namespace salus::audit {

namespace {

std::optional<Subject> At(const std::unordered_map<std::string, Subject>& subjects,
                          std::string_view name) {
  const auto at = subjects.find(std::string(name));
  return at == subjects.end() ? std::nullopt : std::optional(at->second);
}

}  // namespace

void HolderIndex::Add(const PatientRow& row) {
  if (row.subject.kind != SubjectKind::kPatient) return;
  if (row.key) by_key_.insert_or_assign(std::string(AsText(row.key->sec1())), row.subject);
  const std::string& fingerprint = row.certificate_fingerprint;
  if (!fingerprint.empty()) by_certificate_.insert_or_assign(fingerprint, row.subject);
}

std::optional<Subject> HolderIndex::OfCertificate(std::string_view fingerprint) const {
  return At(by_certificate_, fingerprint);
}

std::optional<Subject> HolderIndex::OfKey(const crypto::P256PublicKey& key) const {
  return At(by_key_, AsText(key.sec1()));
}

}  // namespace salus::audit
