#include "audit/hostile_changes.h"

#include <algorithm>

namespace salus::audit {

void Flip(Bytes& bytes, std::size_t at) { bytes[at % bytes.size()] ^= 0x10; }
namespace {

template <typename Hash>
void FlipHash(Hash& hash, std::size_t at) {
  hash.data()[at % Hash::kSize] ^= 1;
}
void FlipText(std::string& text, std::size_t at) {
  text[at % text.size()] = text[at % text.size()] == 'A' ? 'B' : 'A';
}

// For each of: first, middle, last.
template <typename Each>
void ForThree(const std::string& name, Changes& changes, Each each) {
  const auto add = [&](const char* which, auto place) {
    changes.emplace_back(name + ", " + which, [each, place](HistoryAnswer& a, const Scene& s) {
      return each(a, s, place);
    });
  };
  add("first", [](std::size_t) { return std::size_t{0}; });
  add("middle", [](std::size_t size) { return size / 2; });
  add("last", [](std::size_t size) { return size == 0 ? 0 : size - 1; });
}

void AddShownChanges(Changes& changes) {
  ForThree("shown entry dropped", changes, [](HistoryAnswer& a, const Scene&, auto place) {
    if (a.shown.empty()) return false;
    a.shown.erase(a.shown.begin() + static_cast<std::ptrdiff_t>(place(a.shown.size())));
    return true;
  });
  ForThree("shown entry altered", changes, [](HistoryAnswer& a, const Scene& s, auto place) {
    if (a.shown.empty()) return false;
    Flip(a.shown[place(a.shown.size())].entry, 7 * s.pick + 40);
    return true;
  });
  ForThree("entry dropped everywhere", changes, [](HistoryAnswer& a, const Scene&, auto place) {
    if (a.shown.empty()) return false;
    const auto at = static_cast<std::ptrdiff_t>(place(a.shown.size()));
    a.shown.erase(a.shown.begin() + at);
    a.chain.erase(a.chain.begin() + at);
    --a.map_value->count;
    return true;
  });
  ForThree("shown entry twice", changes, [](HistoryAnswer& a, const Scene&, auto place) {
    if (a.shown.empty()) return false;
    const std::size_t at = place(a.shown.size());
    const ShownEntry copy = a.shown[at];
    a.shown.insert(a.shown.begin() + static_cast<std::ptrdiff_t>(at), copy);
    return true;
  });
  ForThree("inclusion altered", changes, [](HistoryAnswer& a, const Scene& s, auto place) {
    auto hashes = a.inclusion.front().proof.hashes();
    if (hashes.empty()) return false;
    FlipHash(hashes[place(hashes.size())], s.pick);
    a.inclusion.front().proof = merkle::MultiProof(hashes);
    return true;
  });
  changes.emplace_back("inclusion left out", [](HistoryAnswer& a, const Scene&) {
    a.inclusion.clear();
    return true;
  });
  changes.emplace_back("inclusion of all but the last", [](HistoryAnswer& a, const Scene&) {
    --a.inclusion.front().count;
    return true;
  });
  changes.emplace_back("inclusion of more than is shown", [](HistoryAnswer& a, const Scene&) {
    ++a.inclusion.front().count;
    return true;
  });
  changes.emplace_back("a page that never comes", [](HistoryAnswer& a, const Scene&) {
    a.next = NextPage{1, "more"};
    return true;
  });
  changes.emplace_back("all shown dropped", [](HistoryAnswer& a, const Scene&) {
    a.shown.clear();
    return true;
  });
  changes.emplace_back("two entries swapped", [](HistoryAnswer& a, const Scene& s) {
    if (a.shown.size() < 2) return false;
    const std::size_t at = s.pick % (a.shown.size() - 1);
    std::swap(a.shown[at].entry, a.shown[at + 1].entry);
    return true;
  });
  changes.emplace_back("two places swapped", [](HistoryAnswer& a, const Scene& s) {
    if (a.shown.size() < 2) return false;
    const std::size_t at = s.pick % (a.shown.size() - 1);
    std::swap(a.shown[at], a.shown[at + 1]);
    return true;
  });
  changes.emplace_back("another patient's entry added", [](HistoryAnswer& a, const Scene& s) {
    a.shown.push_back(s.other.shown.back());
    std::sort(a.shown.begin(), a.shown.end(),
              [](const auto& x, const auto& y) { return x.index < y.index; });
    return true;
  });
  changes.emplace_back("another patient's entry filed here", [](HistoryAnswer& a, const Scene& s) {
    a.shown.push_back(s.other.shown.back());
    a.chain.push_back(s.other.chain.back());
    ++a.map_value->count;
    const auto by_index = [](const auto& x, const auto& y) { return x.index < y.index; };
    std::sort(a.shown.begin(), a.shown.end(), by_index);
    std::sort(a.chain.begin(), a.chain.end(), by_index);
    return true;
  });
  for (const bool removed : {true, false}) {
    changes.emplace_back(removed ? "grant removed" : "grant altered",
                         [removed](HistoryAnswer& a, const Scene&) {
                           for (std::size_t i = 0; i < a.shown.size(); ++i) {
                             if (a.shown[i].entry[1] != 2) continue;
                             const auto at = static_cast<std::ptrdiff_t>(i);
                             if (removed) {
                               a.shown.erase(a.shown.begin() + at);
                             } else {
                               Flip(a.shown[i].entry, 300);
                             }
                             return true;
                           }
                           return false;
                         });
  }
}

void AddChainChanges(Changes& changes) {
  ForThree("chain item dropped", changes, [](HistoryAnswer& a, const Scene&, auto place) {
    a.chain.erase(a.chain.begin() + static_cast<std::ptrdiff_t>(place(a.chain.size())));
    return true;
  });
  ForThree("chain item twice", changes, [](HistoryAnswer& a, const Scene&, auto place) {
    const std::size_t at = place(a.chain.size());
    const ChainItem copy = a.chain[at];
    a.chain.insert(a.chain.begin() + static_cast<std::ptrdiff_t>(at), copy);
    return true;
  });
  ForThree("chain leaf altered", changes, [](HistoryAnswer& a, const Scene& s, auto place) {
    FlipHash(a.chain[place(a.chain.size())].leaf_hash, s.pick);
    return true;
  });
  ForThree("chain index altered", changes, [](HistoryAnswer& a, const Scene&, auto place) {
    ++a.chain[place(a.chain.size())].index.value;
    return true;
  });
  changes.emplace_back("chain emptied", [](HistoryAnswer& a, const Scene&) {
    a.chain.clear();
    a.shown.clear();
    return true;
  });
  changes.emplace_back("subject said to be absent", [](HistoryAnswer& a, const Scene&) {
    a.chain.clear();
    a.shown.clear();
    a.map_value.reset();
    return true;
  });
  changes.emplace_back("absence from an empty map", [](HistoryAnswer& a, const Scene&) {
    a.chain.clear();
    a.shown.clear();
    a.map_value.reset();
    a.map_proof = HistoryAnswer().map_proof;
    return true;
  });
  changes.emplace_back("count altered", [](HistoryAnswer& a, const Scene&) {
    ++a.map_value->count;
    return true;
  });
  changes.emplace_back("head altered", [](HistoryAnswer& a, const Scene& s) {
    FlipHash(a.map_value->head, s.pick);
    return true;
  });
  changes.emplace_back("older count and head", [](HistoryAnswer& a, const Scene& s) {
    a.map_value = s.older.map_value;
    a.chain = s.older.chain;
    a.shown.resize(s.older.shown.size());
    return true;
  });
  changes.emplace_back("another's map value", [](HistoryAnswer& a, const Scene& s) {
    a.map_value = s.other.map_value;
    a.map_proof = s.other.map_proof;
    return true;
  });
  changes.emplace_back("later start", [](HistoryAnswer& a, const Scene&) {
    a.after = 1;
    a.chain.erase(a.chain.begin());
    return true;
  });
}

void AddCheckpointChanges(Changes& changes) {
  changes.emplace_back("another patient's answer", [](HistoryAnswer& a, const Scene& s) {
    a = s.other;
    return true;
  });
  changes.emplace_back("another patient's tag", [](HistoryAnswer& a, const Scene& s) {
    a.tag_proof = s.other.tag_proof;
    return true;
  });
  changes.emplace_back("an older answer", [](HistoryAnswer& a, const Scene& s) {
    a = s.older;
    return true;
  });
  changes.emplace_back("an older checkpoint", [](HistoryAnswer& a, const Scene& s) {
    a.newest = s.older.newest;
    return true;
  });
  changes.emplace_back("an older kind 3 entry", [](HistoryAnswer& a, const Scene& s) {
    a.newest.map_entry = s.older.newest.map_entry;
    return true;
  });
  changes.emplace_back("kind 3 altered", [](HistoryAnswer& a, const Scene& s) {
    Flip(a.newest.map_entry, s.pick);
    return true;
  });
  changes.emplace_back("another entry as kind 3", [](HistoryAnswer& a, const Scene&) {
    a.newest.map_entry = a.shown.back().entry;
    return true;
  });
  changes.emplace_back("signature forged", [](HistoryAnswer& a, const Scene& s) {
    FlipText(a.newest.note, a.newest.note.size() - 10 - s.pick % 60);
    return true;
  });
  changes.emplace_back("root forged", [](HistoryAnswer& a, const Scene& s) {
    FlipText(a.newest.note, a.newest.note.find("\n\n") - 3 - s.pick % 30);
    return true;
  });
  changes.emplace_back("receipt signed as checkpoint", [](HistoryAnswer& a, const Scene&) {
    a.newest.note = a.query_receipt.note;
    return true;
  });
  changes.emplace_back("consistency nobody asked for", [](HistoryAnswer& a, const Scene&) {
    a.from_known = *merkle::ConsistencyProof::FromHashes({merkle::NodeHash()});
    return true;
  });
  changes.emplace_back("days nobody asked for", [](HistoryAnswer& a, const Scene& s) {
    a.before.emplace();
    a.before->checkpoint = s.older.newest;
    return true;
  });
  changes.emplace_back("another's receipt", [](HistoryAnswer& a, const Scene& s) {
    a.query_receipt = s.other.query_receipt;
    return true;
  });
  changes.emplace_back("receipt for another index", [](HistoryAnswer& a, const Scene&) {
    ++a.query_index.value;
    return true;
  });
  changes.emplace_back("receipt for another leaf", [](HistoryAnswer& a, const Scene& s) {
    FlipHash(a.query_leaf, s.pick);
    return true;
  });
  changes.emplace_back("receipt altered", [](HistoryAnswer& a, const Scene& s) {
    FlipText(a.query_receipt.note, a.query_receipt.note.size() - 10 - s.pick % 60);
    return true;
  });
  changes.emplace_back("another's question", [](HistoryAnswer& a, const Scene& s) {
    a.query_receipt = s.other.query_receipt;
    a.query_index = s.other.query_index;
    a.query_leaf = s.other.query_leaf;
    return true;
  });
}

}  // namespace

Changes AllChanges() {
  Changes changes;
  AddShownChanges(changes);
  AddChainChanges(changes);
  AddCheckpointChanges(changes);
  return changes;
}

}  // namespace salus::audit
