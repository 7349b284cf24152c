// Hostile servers: whatever one changes, leaves out, adds or moves must be noticed, for every
// patient. SALUS_HOSTILE_PATIENTS says how many (60; the nightly run takes 1000).

#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <map>
#include <set>

#include "audit/audit_fixture.h"
#include "audit/hostile_changes.h"
#include "audit/lying_server.h"
#include "audit/padding.h"
#include "merkle/hash.h"

namespace salus::audit {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;

std::size_t PatientCount() {
  const char* text = std::getenv("SALUS_HOSTILE_PATIENTS");
  return text == nullptr ? 60 : std::strtoull(text, nullptr, 10);
}

class HostileTest : public testing::Test, public AuditFixture {
 protected:
  void SetUp() override {
    const std::size_t count = PatientCount();
    for (std::size_t i = 0; i < count; ++i) {
      patients.push_back(MakePatient("patient-" + std::to_string(i), i % 3 == 0 ? "urn:mrn" : ""));
    }
    // Every fifth was in custody first, every seventh has only what it must have.
    for (std::size_t i = 0; i < count; ++i) {
      if (i % 5 == 0) Events(patients[i].subject, 1);
      Register(patients[i]);
      if (i % 7 != 0) Events(patients[i].subject, 1 + i % 4);
    }
    devices.resize(count);
    for (std::size_t i = 0; i < count; ++i) answers["older"].push_back(True(i));
    Checkpoint();
    for (std::size_t i = 0; i < count; ++i) Remember(i);
    clock.Advance(hours(2));
    for (std::size_t i = 0; i < count; ++i) Events(patients[i].subject, 1 + i % 2);
    for (std::size_t i = 0; i < count; ++i) True(i);
    Checkpoint();
    for (std::size_t i = 0; i < count; ++i) answers["newest"].push_back(True(i));
  }
  HistoryAnswer True(std::size_t i, std::uint64_t known_size = 0) {
    HistoryQuestion question = QuestionOf(patients[i].subject);
    question.known_size = known_size;
    return *historian->Answer(patients[i].subject, question);
  }
  // What device i knows when the lies begin.
  void Remember(std::size_t i) {
    const ReaderKeys keys = KeysOf(patients[i]);
    const auto history = VerifyHistory(VerifyAs(QuestionOf(patients[i].subject), keys), True(i));
    ASSERT_TRUE(history) << history.error().message;
    devices[i].known = history->checkpoint;
    devices[i].chain = history->chain;
  }
  Result<VerifiedHistory> Verify(std::size_t i, const HistoryAnswer& answer,
                                 const Device& device = {}) const {
    const ReaderKeys keys = KeysOf(patients[i]);
    return VerifyHistory(VerifyAs(QuestionOf(patients[i].subject), keys, device), answer);
  }
  void ExpectRefused(std::size_t i, const HistoryAnswer& answer, const std::string& name,
                     const Device& device = {}) {
    ++tried;
    const auto history = Verify(i, answer, device);
    if (history) {
      ADD_FAILURE() << "undetected: " << name << ", patient " << i;
    } else {
      EXPECT_EQ(history.error().code, ErrorCode::kVerificationFailed) << name;
      ++refused[name];
    }
  }
  merkle::LeafHash OwnQuery(std::size_t i) const { return answers.at("newest")[i].query_leaf; }

  std::vector<Person> patients;
  std::vector<Device> devices;
  std::map<std::string, std::vector<HistoryAnswer>> answers;
  std::map<std::string, std::size_t> refused;
  std::size_t tried = 0;
};

// A server, or whoever stands in between, without the log's keys: a fresh device notices
// everything.
TEST_F(HostileTest, NoChangedAnswerGoesUnnoticed) {
  const Changes changes = AllChanges();
  for (std::size_t i = 0; i < patients.size(); ++i) {
    const std::size_t j = (i + 1) % patients.size();
    const Scene scene{answers["newest"][i], answers["newest"][j], answers["older"][i], i};
    const auto truth = Verify(i, scene.answer);
    ASSERT_TRUE(truth) << truth.error().message;
    const Bytes original = EncodeHistory(scene.answer);
    for (const auto& [name, change] : changes) {
      HistoryAnswer changed = scene.answer;
      if (!change(changed, scene)) continue;
      if (name != "two places swapped" && name != "shown entry twice, first") {
        ASSERT_NE(EncodeHistory(changed), original) << name;
      }
      ExpectRefused(i, changed, name);
      if (name.starts_with("inclusion")) continue;
      Reprove(changed);
      ExpectRefused(i, changed, name + ", proven anew");
    }
  }
  EXPECT_GE(refused.size(), changes.size()) << "a change that never applied";
  RecordProperty("refused", static_cast<int>(tried));
}

// The lying server, when it tells the truth, answers as Historian does.
TEST_F(HostileTest, TheLyingServerCanTellTheTruth) {
  const LyingServer server(*this);
  for (std::size_t i = 0; i < patients.size(); i += 9) {
    const std::uint64_t known = devices[i].known->size.value;
    const HistoryAnswer answer = server.Answer(patients[i].subject, OwnQuery(i), known);
    const auto history = Verify(i, answer, devices[i]);
    ASSERT_TRUE(history) << history.error().message;
    EXPECT_EQ(answer.map_value, answers["newest"][i].map_value);
    EXPECT_TRUE(Verify(i, True(i, known), devices[i]));
  }
}

// An operator who signs its lies: what a device has seen can't be taken back.
TEST_F(HostileTest, NoHistoryIsRewrittenBehindADevice) {
  const LyingServer truth(*this);
  for (std::size_t i = 0; i < patients.size(); ++i) {
    const Subject& subject = patients[i].subject;
    const std::uint64_t known = devices[i].known->size.value;
    const std::vector<std::size_t> places = truth.PlacesOf(subject);
    for (std::size_t k = 0; k < devices[i].chain.count; ++k) {
      LyingServer server = truth;
      server.entries[places[k]].tag.reset();  // the tree keeps it, the map forgets it
      ExpectRefused(i, server.Answer(subject, OwnQuery(i), known), "unlinked", devices[i]);
      server = truth;
      Flip(server.entries[places[k]].entry, 60);
      ExpectRefused(i, server.Answer(subject, OwnQuery(i), known), "rewritten", devices[i]);
    }
    LyingServer server = truth;
    for (std::size_t k = 0; k + 1 < places.size(); ++k) server.entries[places[k]].tag.reset();
    ExpectRefused(i, server.Answer(subject, OwnQuery(i), known), "map reset", devices[i]);
    server = truth;
    server.entries.resize(known / 2);
    ExpectRefused(i, server.Answer(subject, OwnQuery(i), known), "rolled back", devices[i]);
    // Its own question, for which it holds a receipt.
    server = truth;
    Device asked = devices[i];
    asked.chain.query_entries.push_back(answers["newest"][i].query_index);
    asked.chain.query_leaves.push_back(OwnQuery(i));
    for (const std::size_t place : places) {
      if (merkle::HashLeaf(server.entries[place].entry) == OwnQuery(i)) {
        server.entries[place].tag.reset();
      }
    }
    ExpectRefused(i, server.Answer(subject, OwnQuery(i), known), "question removed", asked);
  }
}

// Lies that no memory is needed for.
TEST_F(HostileTest, NoSignedLieAboutEntriesHolds) {
  const LyingServer truth(*this);
  const crypto::VrfPrivateKey second = crypto::VrfPrivateKey::Generate(random);
  for (std::size_t i = 0; i < patients.size(); ++i) {
    const Subject& subject = patients[i].subject;
    const SubjectTag tag = truth.TagOf(subject);
    const std::vector<std::size_t> places = truth.PlacesOf(subject);
    const auto of_other = truth.PlacesOf(patients[(i + 1) % patients.size()].subject);
    // What waits for custodians can't be judged by anybody before they release it.
    std::set<std::size_t> judged;
    const auto history = Verify(i, answers["newest"][i]);
    ASSERT_TRUE(history);
    for (const VerifiedEvent& event : history->events) judged.insert(event.index.value);
    for (const VerifiedEntry& other : history->others) {
      const bool is_share = other.type == EventType::kCustodyShare;
      const bool is_open = other.grant || !other.plaintext.empty();
      if (is_open && !is_share) judged.insert(other.index.value);
    }
    const auto lie = [&](const std::string& name, const auto& change) {
      LyingServer server = truth;
      change(server);
      ExpectRefused(i, server.Answer(subject, OwnQuery(i), 0), name);
    };
    for (const std::size_t place : places) {
      const EntryKind kind = static_cast<EntryKind>(truth.entries[place].entry[1]);
      if (kind == EntryKind::kGrant) {
        lie("grant unlinked", [&](LyingServer& s) { s.entries[place].tag.reset(); });
      }
      if (!judged.contains(place)) continue;
      if (kind == EntryKind::kGrant) {
        lie("grant behind its entries", [&](LyingServer& s) {
          s.entries.push_back(s.entries[place]);
          s.entries[place].tag.reset();
        });
        lie("grant altered", [&](LyingServer& s) { Flip(s.entries[place].entry, 300); });
      } else {
        lie("entry altered", [&](LyingServer& s) { Flip(s.entries[place].entry, 90); });
      }
      if (kind == EntryKind::kSealedEvent) {
        lie("entry repeated", [&](LyingServer& s) { s.entries.push_back(s.entries[place]); });
      }
    }
    lie("another's entry", [&](LyingServer& s) { s.entries[of_other.back()].tag = tag; });
    lie("another's grant", [&](LyingServer& s) {
      for (const std::size_t place : of_other) {
        if (s.entries[place].entry[1] == 2) s.entries[place].tag = tag;
      }
    });
    lie("a policy entry, and the old grant goes on", [&](LyingServer& s) {
      Bytes clear = {0xa0};
      const Bytes policy = EncodeOther(
          EntryKind::kPolicy, {EventType::kMandateSet, true, std::nullopt, std::nullopt, clear});
      s.entries.insert(s.entries.begin() + static_cast<std::ptrdiff_t>(places.back()),
                       {policy, tag});
    });
    lie("the registration is hidden", [&](LyingServer& s) {
      for (const std::size_t place : places) {
        if (s.entries[place].entry[1] == 4) s.entries[place].tag.reset();
      }
    });
    lie("a kind that has no chain", [&](LyingServer& s) { s.entries[0].tag = tag; });
    lie("a second tag", [&](LyingServer& s) {
      s.vrf = &second;
      for (const std::size_t place : places) s.entries[place].tag = s.TagOf(subject);
    });
    lie("an old time", [&](LyingServer& s) { s.time -= minutes(11); });
  }
}

// An operator who also kept a key that it should have forgotten.
TEST_F(HostileTest, NoKeptKeyServes) {
  const ReaderKeys keys = KeysOf(patients[1]);
  const Subject& subject = patients[1].subject;
  const auto history = Verify(1, answers["newest"][1]);
  ASSERT_TRUE(history);
  const GrantPlaintext* grant = nullptr;
  for (const VerifiedEntry& other : history->others) {
    if (other.grant) grant = &*other.grant;
  }
  ASSERT_NE(grant, nullptr);
  const EpochKey kept(grant->key.Clone());
  LyingServer truth(*this);
  const Bytes aad = SealingAad(origin, history->tag);
  const auto add = [&](LyingServer& server, const Subject& about, std::string_view id) {
    Event event;
    const std::string text(id);
    event.id = *EventId::Parse(text);
    event.time = clock.Now();
    event.patient = about.id;
    event.system = about.system;
    event.user = "user";
    event.source = "source-1";
    Bytes plaintext;
    EncodeEvent(event, plaintext);
    LyingServer::LoggedEntry entry{{}, history->tag};
    Sealer(random).SealEvent(kept, aad, plaintext, entry.entry);
    server.entries.push_back(std::move(entry));
  };
  const std::uint64_t known = history->checkpoint.size.value;
  Device device;
  device.known = history->checkpoint;
  device.chain = history->chain;
  // The day it was made for: an entry as any other.
  LyingServer server = truth;
  // The tree that the device knows ends in a kind 3 entry, which stays.
  const auto last = log->ReadEntry(merkle::LeafIndex{known - 1});
  ASSERT_TRUE(last);
  server.entries.push_back({last->entry, std::nullopt});
  truth = server;
  add(server, subject, "made-up-1");
  const auto same_day = Verify(1, server.Answer(subject, OwnQuery(1), known), device);
  ASSERT_TRUE(same_day) << same_day.error().message;
  EXPECT_EQ(same_day->events.back().event.id.ToString(), "made-up-1");

  server = truth;
  add(server, patients[2].subject, "made-up-2");
  ExpectRefused(1, server.Answer(subject, OwnQuery(1), known), "about another patient", device);
  server = truth;
  add(server, subject, "made-up-3");
  add(server, subject, "made-up-3");
  ExpectRefused(1, server.Answer(subject, OwnQuery(1), known), "one id twice", device);
  // Two days later, with a device that has seen a checkpoint of the day between.
  clock.Advance(days(2));
  device.known->time += days(1) + hours(13);
  server = truth;
  server.time = clock.Now();
  add(server, subject, "made-up-4");
  ExpectRefused(1, server.Answer(subject, OwnQuery(1), known), "under a key of days ago", device);
}

}  // namespace
}  // namespace salus::audit
