#include "aggregate/peer_test_session.h"

#include <gtest/gtest.h>

#include "aggregate/share_access.h"
#include "crypto/pkcs8.h"
#include "pki/self_signed.h"

namespace salus::aggregate {

using std::chrono::days;

PeerOwner NewOwner(RandomSource& random) {
  const Timestamp now(std::chrono::sys_days(std::chrono::year(2026) / 11 / 30));
  auto made =
      pki::SelfSignedCertificate::Make("peer.example", {now - days(1), now + days(90)}, random);
  EXPECT_TRUE(made.has_value());
  auto key = crypto::DecodePrivateKeyPem(made->private_key_pem.view(ShareAccess::Token()));
  auto certificate = pki::Certificate::FromPem(made->certificate_pem);
  return {*std::move(certificate), std::get<crypto::P256PrivateKey>(*std::move(key))};
}

PeerOwner CloneOf(const PeerOwner& owner) { return {owner.certificate, owner.key.Clone()}; }

Bytes Resigned(ByteSpan message, const PeerOwner& owner,
               const std::function<void(PeerMessage&)>& edit) {
  auto envelope = PeerEnvelope::Parse(message);
  EXPECT_TRUE(envelope.has_value());
  edit(envelope->message);
  return PeerEnvelope::Sign(envelope->message, owner.key).bytes;
}

TestSession::TestSession(const std::vector<std::vector<std::int64_t>>& values,
                         const Options& options)
    : silent(values.size()),
      host_answers(values.size()),
      host_owner_([this] {
        randoms_.push_back(std::make_unique<SeededRandom>(1));
        return NewOwner(*randoms_[0]);
      }()),
      has_joined_(values.size()),
      is_done_(values.size()) {
  PeerRosterFields fields;
  fields.session.fill(7);
  fields.title = "Heights";
  fields.purpose = "A course";
  fields.unit = "cm";
  fields.minimum = 30;
  fields.maximum = 272;
  fields.join_time = std::chrono::seconds(60);
  fields.step_time = std::chrono::seconds(30);
  fields.host_fingerprint = host_owner_.certificate.fingerprint();
  for (std::size_t i = 0; i < values.size(); ++i) {
    randoms_.push_back(std::make_unique<SeededRandom>(i + 2));
    owners_.push_back(NewOwner(*randoms_.back()));
    fields.parties.push_back({.id = std::to_string(i),
                              .name = Name(i),
                              .fingerprint = owners_[i].certificate.fingerprint()});
  }
  options.edit(fields);
  const auto roster = PeerRoster::Create(fields);
  EXPECT_TRUE(roster.has_value()) << roster.error().message;
  auto host = PeerHost::Create(*roster, CloneOf(host_owner_), clock_);
  EXPECT_TRUE(host.has_value()) << host.error().message;
  host_ = *std::move(host);
  for (std::size_t i = 0; i < values.size(); ++i) {
    auto party = PeerParty::Create(host_->signed_roster(), host_owner_.certificate.fingerprint(),
                                   CloneOf(owners_[i]), values[i], *randoms_[i + 1], clock_,
                                   options.sharing(i));
    EXPECT_TRUE(party.has_value()) << party.error().message;
    parties_.push_back(*std::move(party));
  }
}

std::size_t TestSession::Index(PeerId id) const {
  for (std::size_t i = 0; i < parties_.size(); ++i) {
    if (parties_[i]->id() == id) return i;
  }
  ADD_FAILURE() << "no such party";
  return 0;
}

void TestSession::Send(std::size_t party, PeerStep step, const Bytes& parcel) {
  const Bytes sent = on_sent ? on_sent(party, step, parcel) : parcel;
  ++parcels;
  if (const auto read = PeerParcel::Parse(sent)) shares += read->shares.size();
  const auto taken = host_->Handle(owners_[party].certificate.fingerprint(), sent);
  host_answers[party] = taken ? std::nullopt : std::optional(taken.error());
}

bool TestSession::Deliver(std::size_t index) {
  PeerParty& party = *parties_[index];
  if (silent[index] || party.failure() || is_done_[index]) return false;
  if (!has_joined_[index]) {
    has_joined_[index] = true;
    Send(index, PeerStep::kJoin, party.Join());
    return true;
  }
  const PeerStep step = party.waits_for();
  const auto parcel = host_->ParcelFor(party.id(), step);
  if (!parcel) return false;
  const auto answer = party.Handle(on_received ? on_received(index, step, *parcel) : *parcel);
  if (answer && *answer) {
    Send(index, static_cast<PeerStep>(static_cast<int>(step) + 1), **answer);
  } else if (answer) {
    is_done_[index] = true;
  } else if (party.farewell()) {
    Send(index, PeerStep::kAbort, *party.farewell());
  }
  return true;
}

bool TestSession::Round(std::optional<PeerStep> until) {
  bool has_moved = false;
  for (std::size_t i = 0; i < parties_.size(); ++i) {
    if (until && host_->ParcelFor(0, *until)) return false;
    has_moved = Deliver(i) || has_moved;
  }
  return has_moved;
}

void TestSession::Run() {
  while (Round(std::nullopt)) {
  }
}

void TestSession::RunUntil(PeerStep step) {
  while (Round(step)) {
  }
}

void TestSession::PassDeadline() {
  clock_.Advance(std::chrono::seconds(61));
  host_->Tick();
}

}  // namespace salus::aggregate
