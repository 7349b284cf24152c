#include "apps/salus/published_log.h"

#include "client/reader_state.h"

namespace salus::cli {

Result<client::PublishedTree> OpenPublishedTree(Session& session, Backend& place) {
  const audit::PinnedLog log = place.Pinned();
  TRY(const client::ReaderState state, client::ReaderState::OfUser(log));
  client::LogFiles files{.checkpoint = [&place] { return place.Checkpoint(); },
                         .tile = [&place](const merkle::TileId& id) { return place.Tile(id); }};
  TRY(client::PublishedTree tree,
      client::PublishedTree::Open(std::move(files), log, state.checkpoint()));
  if (!tree.compared()) {
    session.terminal().Say("no checkpoint of this log is remembered: a rollback could not be seen");
  }
  return tree;
}

}  // namespace salus::cli
