// A session over the real network code, with an eavesdropper in the middle and every share known to
// the test: none of them may stand in anything that was sent, kept or heard.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <mutex>
#include <thread>

#include "aggregate/peer_edited_sharing.h"
#include "aggregate/peer_host.h"
#include "aggregate/share_access.h"
#include "apps/salus/peer_link.h"
#include "apps/salus/peer_server.h"
#include "apps/salus/recording_relay.h"
#include "base/test_folder.h"
#include "crypto/pkcs8.h"

namespace salus::cli {
namespace {

using aggregate::EditedSharing;
using aggregate::PeerHost;
using aggregate::PeerOwner;
using aggregate::PeerParty;
using aggregate::PeerRoster;

constexpr std::size_t kPieceBytes = 8;  // an element of the field; more than chance repeats

PeerOwner OwnerOf(const pki::IdentityDirectory& identity) {
  return {identity.chain().front(), identity.signing_key().Clone()};
}

bool Holds(ByteSpan all, ByteSpan piece) {
  return std::ranges::search(all, piece).begin() != all.end();
}

class AggregatePrivacyTest : public ::testing::TestWithParam<bool> {
 protected:
  pki::IdentityDirectory NewIdentity(const std::string& name) {
    auto identity = pki::IdentityDirectory::Create(folder_.path() / name, {.name = name}).value();
    const Timestamp now = clock_.Now();
    EXPECT_TRUE(identity.CertifySelf({now, now + std::chrono::hours(1)}, random_).has_value());
    return identity;
  }

  void SetUp() override {
    const pki::IdentityDirectory host = NewIdentity("host");
    aggregate::PeerRosterFields fields;
    fields.session = random_.Array<16>();
    fields.title = "Heights";
    fields.minimum = 30;
    fields.maximum = 272;
    fields.threshold = GetParam();
    fields.minimum_parties = 4;
    fields.join_time = fields.step_time = std::chrono::seconds(60);
    fields.host_fingerprint = host.chain().front().fingerprint();
    for (std::size_t i = 0; i < values_.size(); ++i) {
      identities_.push_back(NewIdentity("party-" + std::to_string(i)));
      fields.parties.push_back({.id = std::to_string(i),
                                .name = {},
                                .fingerprint = identities_.back().chain().front().fingerprint()});
    }
    roster_ = PeerRoster::Create(std::move(fields)).value();
    PeerServerOptions options{.address = "127.0.0.1"};
    options.certificate_pem = host.chain().front().ToPem();
    options.private_key =
        crypto::EncodePrivateKeyDer(crypto::PrivateKey(host.signing_key().Clone())).value();
    host_ = PeerHost::Create(*roster_, OwnerOf(host), clock_).value();
    server_ = PeerServer::Start(*host_, std::move(options), clock_).value();
    relay_ = RecordingRelay::Start(server_->port()).value();
  }

  // Notes each share before it is sealed.
  aggregate::PeerSharingMaker Noting() {
    EditedSharing::Edits edits;
    edits.share = [this](const aggregate::PeerSharing&, aggregate::PeerShares& made, std::size_t,
                         RandomSource&) {
      const std::lock_guard lock(mutex_);
      for (const SecretBytes& share : made.shares) {
        const ByteSpan bytes = share.view(aggregate::ShareAccess::Token());
        if (!bytes.empty()) shares_.push_back(ToBytes(bytes));
      }
    };
    return EditedSharing::Maker(std::move(edits));
  }

  void RunParty(std::size_t index) {
    const std::string url = "https://127.0.0.1:" + std::to_string(relay_->port());
    const crypto::Hash32& host = roster_->fields().host_fingerprint;
    auto link = PeerLink::Open(url, host, identities_[index]).value();
    auto party = PeerParty::Create(link.FetchRoster().value(), host, OwnerOf(identities_[index]),
                                   {values_[index]}, random_, clock_, Noting())
                     .value();
    const auto done = Attend(*party, link, [](PeerParty&) { return Result<void>(); });
    EXPECT_TRUE(done.has_value()) << done.error().message;
    const std::lock_guard lock(mutex_);
    kept_.push_back(party->transcript());
  }

  void RunAll() {
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < values_.size(); ++i) {
      threads.emplace_back([this, i] { RunParty(i); });
    }
    EXPECT_TRUE(server_->Serve([](PeerHost&) { return Result<void>(); }).has_value());
    for (std::thread& thread : threads) thread.join();
    kept_.push_back(host_->transcript());
    for (const Captured& one : relay_->Stop()) {
      heard_.push_back(one.from_client);
      heard_.push_back(one.from_server);
    }
  }

  static std::size_t CountHolding(const std::vector<Bytes>& places, ByteSpan piece) {
    return static_cast<std::size_t>(
        std::ranges::count_if(places, [&](const Bytes& place) { return Holds(place, piece); }));
  }

  const std::vector<std::int64_t> values_ = {170, 181, 165, 158};
  TestFolder folder_;
  SystemClock clock_;
  SystemRandom random_;
  std::vector<pki::IdentityDirectory> identities_;
  std::optional<PeerRoster> roster_;
  std::unique_ptr<PeerHost> host_;
  std::unique_ptr<PeerServer> server_;
  std::unique_ptr<RecordingRelay> relay_;
  std::mutex mutex_;
  std::vector<Bytes> shares_;  // guarded by mutex_
  std::vector<Bytes> kept_;    // transcripts; guarded by mutex_
  std::vector<Bytes> heard_;
};

TEST_P(AggregatePrivacyTest, NoPieceOfAShareStandsAnywhere) {
  RunAll();
  ASSERT_TRUE(host_->result().has_value());
  EXPECT_EQ(host_->result()->sum, 674);
  EXPECT_GE(shares_.size(), values_.size() * (values_.size() - 1));
  std::size_t pieces = 0;
  for (const Bytes& share : shares_) {
    for (std::size_t at = 0; at + kPieceBytes <= share.size(); at += kPieceBytes) {
      const ByteSpan piece = ByteSpan(share).subspan(at, kPieceBytes);
      // The upper half of a small scalar says nothing, and is everywhere.
      if (std::ranges::all_of(piece, [](std::uint8_t byte) { return byte == 0; })) continue;
      ++pieces;
      EXPECT_EQ(CountHolding(kept_, piece), 0u) << "in a transcript, at byte " << at;
      EXPECT_EQ(CountHolding(heard_, piece), 0u) << "on the network, at byte " << at;
    }
  }
  EXPECT_GT(pieces, 100u);
}

// The search would find something: signatures stand in transcripts, and TLS hides even those.
TEST_P(AggregatePrivacyTest, WhatIsSaidIsInTheTranscriptsAndNotOnTheNetwork) {
  RunAll();
  ASSERT_EQ(kept_.size(), values_.size() + 1);
  EXPECT_EQ(heard_.size(), 2 * values_.size());
  const ByteSpan of_host = kept_.back();
  const ByteSpan piece = of_host.subspan(of_host.size() - 100, 32);
  EXPECT_EQ(CountHolding(kept_, piece), kept_.size());
  EXPECT_EQ(CountHolding(heard_, piece), 0u);
}

INSTANTIATE_TEST_SUITE_P(Sharing, AggregatePrivacyTest, ::testing::Bool(),
                         [](const auto& test) { return test.param ? "Threshold" : "Additive"; });

}  // namespace
}  // namespace salus::cli
