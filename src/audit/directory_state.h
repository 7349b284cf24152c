// Directory::State is what a directory keeps in memory, for its two sources. Not a public header.
#pragma once

#include <cstring>
#include <map>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "audit/directory.h"
#include "audit/holder_index.h"
#include "storage/database.h"

namespace salus::audit {

using TagKey = std::array<std::uint8_t, 16>;
struct TagKeyHash {
  std::size_t operator()(const TagKey& key) const {
    std::size_t hash;
    std::memcpy(&hash, key.data(), sizeof hash);
    return hash;
  }
};

struct Directory::State {
  explicit State(storage::Database database) : db(std::move(database)) {}

  // Check: a row is believed once its entry in the log has its digest. Errors: Corruption.
  Result<void> Check(const StoredRow& row) const;
  // CheckNewest: what entitles somebody must be the newest that the log knows: an old file entitles
  // nobody until the same act is done again; then it is false.
  Result<bool> CheckNewest(const StoredRow& row) const;

  Result<void> Load(bool read_only);
  Result<void> LoadTags();
  Result<void> LoadRow(StoredRow row);
  // ConfirmIntents turns those whose entry is in the log into rows.
  Result<std::vector<StoredRow>> ConfirmIntents(std::vector<StoredRow> intents) const;
  void Apply(const Row& row);
  void Distrust(const Row& row);
  std::optional<StoredRow> FindStored(const std::string& key) const;
  // Believed are the rows of one kind and patient that are what their entries recorded.
  template <typename T>
  std::vector<T> Believed(const std::vector<StoredRow>& stored) const;
  void IndexMandate(const MandateRow& row);
  template <typename Find>
  std::optional<Subject> AskHolders(Find&& find);
  std::optional<Subject> OfCertificate(std::string_view fingerprint);
  std::optional<Subject> OfKey(const std::optional<crypto::P256PublicKey>& key);

  std::mutex write_mutex;  // db
  storage::Database db;
  LoggedRows logged;

  mutable std::shared_mutex mutex;  // everything below
  std::unordered_map<std::string, StoredRow> patients;
  std::optional<HolderIndex> holders;  // made when somebody first asks
  std::map<std::string, AuditorRow, std::less<>> auditors;
  std::map<std::string, SourceRow, std::less<>> sources;
  std::map<std::string, CustodianRow, std::less<>> custodians;
  std::map<std::string, MandateRow, std::less<>> mandates;                // by auditor
  std::unordered_map<std::string, std::vector<std::string>> auditors_of;  // by patient
  std::unordered_map<std::string, std::vector<StoredRow>> shares;         // by patient
  std::unordered_map<std::string, std::vector<StoredRow>> releases;       // by patient
  std::map<std::string, NoticeRow, std::less<>> notices;                  // by KeyOf
  std::unordered_map<TagKey, ProvenTag, TagKeyHash> tags;
};

}  // namespace salus::audit
