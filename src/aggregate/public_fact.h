// PublicFact marks the few facts about secrets that everybody may learn.
#pragma once

namespace salus::aggregate {

// PublicFact gives back what it is given: that a measurement is in range, that a share is well
// formed, that a random number was drawn anew. It stands alone in its object file, so that the test
// of constant time can put in its place one that tells valgrind; any other branch on a secret is an
// error there.
bool PublicFact(bool fact);

}  // namespace salus::aggregate
