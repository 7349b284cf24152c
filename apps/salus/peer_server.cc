#include "apps/salus/peer_server.h"

#include <algorithm>
#include <condition_variable>
#include <map>
#include <mutex>
#include <set>

#include "aggregate/peer_message.h"
#include "api/status.h"
#include "codec/hex.h"
#include "http/problem.h"
#include "http/server.h"

namespace salus::cli {

namespace {

using aggregate::PeerHost;
using aggregate::PeerId;
using aggregate::PeerStep;
using std::chrono::steady_clock;

constexpr std::chrono::seconds kPollTime{25};
constexpr std::chrono::milliseconds kLookTime{500};
// How long parties that were heard of may take to ask for the end.
constexpr std::chrono::seconds kLastWordTime{5};
constexpr std::chrono::seconds kDrainTime{5};

http::Response ProblemOf(const Error& error) {
  return http::Problem(api::StatusOf(error.code), "", error.message);
}

std::optional<PeerStep> StepNamed(std::string_view name) {
  for (int step = 1; step <= static_cast<int>(aggregate::kLastPeerStep); ++step) {
    if (PeerStepName(static_cast<PeerStep>(step)) == name) return static_cast<PeerStep>(step);
  }
  return std::nullopt;
}

http::Response ParcelResponse(const Bytes& parcel) {
  return {200, {{"Content-Type", "application/cbor"}}, std::string(AsText(parcel))};
}

}  // namespace

struct PeerServer::State {
  State(PeerHost& session, const Clock& time) : host(session), clock(time) {}

  using ExchangePtr = std::shared_ptr<http::Exchange>;
  struct Poll {
    PeerStep step;
    ExchangePtr exchange;
    steady_clock::time_point until;
  };

  PeerHost& host;  // guarded by mutex
  const Clock& clock;
  std::mutex mutex;
  std::condition_variable changed;
  bool is_changed = false;               // guarded by mutex
  std::map<PeerId, Poll> polls;          // guarded by mutex; a party waits for one board at a time
  std::set<PeerId> heard_of;             // guarded by mutex
  std::set<PeerId> know_the_end;         // guarded by mutex
  std::unique_ptr<http::Server> server;  // last: its threads use all of the above

  // PartyOf answers whoever is not in the roster.
  std::optional<PeerId> PartyOf(http::Exchange& exchange) {
    const http::CertificateFingerprint& fingerprint = exchange.request().peer->fingerprint;
    const auto party = host.roster().Find(fingerprint);
    if (!party) {
      exchange.Respond(http::Problem(403, "",
                                     "the certificate with the SHA-256 fingerprint " +
                                         codec::HexEncode(fingerprint) +
                                         " is in nobody's place in the roster: use the identity "
                                         "that the roster was made with, "
                                         "or ask the host for a new roster"));
    }
    return party;
  }

  void OnRoster(const ExchangePtr& exchange) {
    if (!PartyOf(*exchange)) return;
    http::Response response = http::Response::Text(200, host.signed_roster());
    response.headers.Set("Content-Type", "application/jose");
    exchange->Respond(std::move(response));
  }

  void OnParcel(const ExchangePtr& exchange) {
    const auto party = PartyOf(*exchange);
    if (!party) return;
    const auto body = exchange->ReadWholeBody(aggregate::kMaxPeerMessageBytes);
    if (!body) return exchange->RespondToReadError(body.error());
    const std::lock_guard lock(mutex);
    heard_of.insert(*party);
    const Result<void> taken = host.Handle(exchange->request().peer->fingerprint, *body);
    exchange->Respond(taken ? http::Response{204, {}, ""} : ProblemOf(taken.error()));
    AnswerPolls();
    is_changed = true;
    changed.notify_all();
  }

  void OnPoll(const ExchangePtr& exchange) {
    const auto party = PartyOf(*exchange);
    if (!party) return;
    const auto step = StepNamed(exchange->request().Parameter("step"));
    if (!step) return exchange->Respond(http::Problem(404, "", "there is no such step"));
    const std::lock_guard lock(mutex);
    heard_of.insert(*party);
    const auto old = polls.find(*party);
    if (old != polls.end()) old->second.exchange->Respond({204, {}, ""});
    polls.insert_or_assign(*party, Poll{*step, exchange, steady_clock::now() + kPollTime});
    AnswerPolls();
    // Whether the deadline is over is for Serve to see.
  }

  // With mutex held.
  void AnswerPolls() {
    host.Tick();
    const auto now = steady_clock::now();
    for (auto poll = polls.begin(); poll != polls.end();) {
      const auto parcel = host.ParcelFor(poll->first, poll->second.step);
      if (parcel) {
        poll->second.exchange->Respond(ParcelResponse(*parcel));
        if (host.finished()) know_the_end.insert(poll->first);
      } else if (now >= poll->second.until || poll->second.exchange->aborted()) {
        poll->second.exchange->Respond({204, {}, ""});
      } else {
        ++poll;
        continue;
      }
      poll = polls.erase(poll);
    }
  }

  // With mutex held.
  bool EverybodyKnows() const { return std::ranges::includes(know_the_end, heard_of); }

  std::chrono::milliseconds TimeToLook() const {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(host.deadline() - clock.Now());
    return std::clamp(left, std::chrono::milliseconds(1), kLookTime);
  }

  Result<http::Router> MakeRouter() {
    std::vector<http::Route> routes(3);
    routes[0].pattern = "/aggregate/v1/roster";
    routes[0].handler = [this](ExchangePtr exchange) { OnRoster(exchange); };
    routes[0].run_on = http::RunOn::kLoop;
    routes[1].method = http::Method::kPost;
    routes[1].pattern = "/aggregate/v1/parcels";
    routes[1].handler = [this](ExchangePtr exchange) { OnParcel(exchange); };
    routes[1].body_limit_bytes = aggregate::kMaxPeerMessageBytes;
    routes[1].whole_body_bytes = std::size_t{1} << 20;
    routes[2].pattern = "/aggregate/v1/parcels/{step}";
    routes[2].handler = [this](ExchangePtr exchange) { OnPoll(exchange); };
    return http::Router::Create(std::move(routes));
  }
};

PeerServer::PeerServer(std::unique_ptr<State> state) : state_(std::move(state)) {}
PeerServer::~PeerServer() = default;

Result<std::unique_ptr<PeerServer>> PeerServer::Start(PeerHost& host, PeerServerOptions options,
                                                      const Clock& clock) {
  auto state = std::make_unique<State>(host, clock);
  TRY(http::Router router, state->MakeRouter());
  http::ServerOptions server;
  server.listeners.emplace_back();
  http::ListenerOptions& listener = server.listeners.front();
  listener.address = std::move(options.address);
  listener.port = options.port;
  listener.router = std::make_shared<const http::Router>(std::move(router));
  listener.tls.emplace();
  listener.tls->certificate_chain_pem = std::move(options.certificate_pem);
  listener.tls->private_key_pem = std::move(options.private_key);
  listener.tls->client_certificate = http::ClientCertificate::kByFingerprint;
  // All come in, so that each handler can say precisely who is not in the roster.
  listener.authenticate = [](const http::PeerCertificate&) {
    return Result<std::shared_ptr<const void>>(nullptr);
  };
  server.workers = 4;
  server.stream_workers = 8;
  TRY(state->server, http::Server::Start(std::move(server)));
  return std::unique_ptr<PeerServer>(new PeerServer(std::move(state)));
}

std::uint16_t PeerServer::port() const { return state_->server->port(); }

Result<void> PeerServer::Serve(const std::function<Result<void>(PeerHost& host)>& changed) {
  State& state = *state_;
  std::optional<steady_clock::time_point> end;
  std::unique_lock lock(state.mutex);
  for (;;) {
    state.AnswerPolls();
    TRY_VOID(changed(state.host));
    if (state.host.finished()) {
      const auto wait = std::min(state.host.roster().fields().step_time, kLastWordTime);
      if (!end) end = steady_clock::now() + wait;
      if (state.EverybodyKnows() || steady_clock::now() >= *end) break;
    }
    state.changed.wait_for(lock, state.TimeToLook(), [&] { return state.is_changed; });
    state.is_changed = false;
  }
  lock.unlock();
  state.server->Drain(kDrainTime);
  lock.lock();
  return changed(state.host);
}

}  // namespace salus::cli
