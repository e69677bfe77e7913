// Requests that arrive together.
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <latch>
#include <set>
#include <thread>

#include "registry/removed.h"
#include "registry/tests/both_engines.h"

namespace bulkhead::registry::testing {
namespace {

constexpr int kThreads = 8;

class Races : public OnBothEngines {
 protected:
  // Runs the work in as many threads at once.
  template <class Work>
  static void together(int threads, const Work& work) {
    std::latch start(threads);
    std::vector<std::thread> running;
    for (int i = 0; i < threads; ++i)
      running.emplace_back([&, i] {
        start.arrive_and_wait();
        work(i);
      });
    for (auto& thread : running) thread.join();
  }

  std::vector<std::string> distinct_documents(int count) {
    std::vector<std::string> documents;
    for (int i = 0; i < count; ++i) documents.push_back(image(config_, {}, fmt::format(R"("x":{})", i)));
    return documents;
  }
  Result<PutResult> put(const std::string& document, std::string_view tag) {
    return registry_.manifests->put(app_, reference(tag), {}, as_bytes(document), "", alice_);
  }
  std::vector<ContentEvent> events_of(std::string_view target) {
    auto events = registry_.content_events();
    std::erase_if(events, [&](const ContentEvent& event) { return event.target != target; });
    return events;
  }

  access::Repository app_ = registry_.repository("alice/app");
  Context alice_ = registry_.as("alice");
  oci::Descriptor config_ = registry_.push_blob(app_, "{}");
};

INSTANTIATE_TEST_SUITE_P(Database, Races, both_engines(), db::testing::engine_name);

TEST_P(Races, ForAProtectedTagHaveOneWinner) {
  registry_.set_immutable_tags(app_, "v*");
  const auto documents = distinct_documents(kThreads);
  for (int round = 0; round < 5; ++round) {
    const auto tag = fmt::format("v{}", round);
    std::atomic<int> winner = -1;
    std::atomic<int> won = 0;
    std::atomic<int> refused = 0;
    together(kThreads, [&](int i) {
      const auto result = put(documents[static_cast<std::size_t>(i)], tag);
      if (result) {
        winner = i;
        ++won;
      } else if (result.error().code == Errc::immutable) {
        ++refused;
      } else {
        ADD_FAILURE() << result.error().message;
      }
    });
    ASSERT_EQ(won, 1);
    EXPECT_EQ(refused, kThreads - 1);
    const auto& document = documents[static_cast<std::size_t>(winner)];
    EXPECT_EQ((*registry_.manifests->find(app_, reference(tag)))->bytes, document);
    EXPECT_THAT(events_of(tag),
                ElementsAre(ContentEvent{"tag_set", "alice/app", tag, "", sha256(document).render()}));
  }
}

TEST_P(Races, ForAFreeTagLeaveAnUnbrokenChainOfEvents) {
  const auto documents = distinct_documents(kThreads);
  together(kThreads,
           [&](int i) { EXPECT_THAT(put(documents[static_cast<std::size_t>(i)], "v1"), Succeeds()); });
  std::set<std::string> left;
  std::set<std::string> entered;
  for (const ContentEvent& event : events_of("v1")) {
    EXPECT_TRUE(left.insert(event.old_digest).second) << "two moves from one place";
    entered.insert(event.new_digest);
  }
  EXPECT_EQ(left.size(), static_cast<std::size_t>(kThreads));
  const auto last = (*registry_.manifests->find(app_, reference("v1")))->digest.render();
  for (const auto& digest : entered) EXPECT_EQ(left.contains(digest), digest != last);
}

TEST_P(Races, OfEqualPushesStoreOneManifest) {
  const auto document = image(config_, {});
  together(kThreads, [&](int) { EXPECT_THAT(put(document, "v1"), Succeeds()); });
  EXPECT_EQ(events_of(sha256(document).render()).size(), 1u);
  EXPECT_EQ(events_of("v1").size(), 1u);
}

TEST_P(Races, OfPushAndDeleteEndInOneOfTheTwo) {
  const auto document = image(config_, {});
  const auto digest = sha256(document);
  for (int round = 0; round < 10; ++round) {
    registry_.push_manifest(app_, document, "v1");
    together(4, [&](int i) {
      if (i % 2 == 0) {
        EXPECT_THAT(put(document, "v1"), Succeeds());
      } else if (const auto removed = registry_.manifests->remove(app_, digest, alice_); !removed) {
        EXPECT_EQ(removed.error().code, Errc::manifest_unknown) << removed.error().message;
      }
    });
    const auto by_tag = registry_.manifests->find(app_, reference("v1"));
    const auto by_digest = registry_.manifests->find(app_, digest);
    EXPECT_EQ(by_tag.has_value(), by_digest.has_value());
    const bool last_was_push = events_of("v1").back().action == "tag_set";
    EXPECT_EQ(by_tag.has_value(), last_was_push);
    if (by_tag) {
      EXPECT_EQ((*by_tag)->bytes, document);
    }
  }
}

TEST_P(Races, OfAPushAndTheDeletionOfItsLayerAreInOrder) {
  const auto layer = registry_.push_blob(app_, "layer");
  const auto document = image(config_, {layer});
  for (int round = 0; round < 10; ++round) {
    registry_.push_blob(app_, "layer");
    std::atomic<bool> stored = false;
    together(2, [&](int i) {
      if (i == 1) {
        EXPECT_THAT(registry_.blobs->remove(app_, layer.digest, alice_), Succeeds());
        return;
      }
      const auto result = put(document, fmt::format("v{}", round));
      stored = result.has_value();
      if (!result) {
        EXPECT_EQ(result.error().code, Errc::manifest_blob_unknown) << result.error().message;
      }
    });
    const auto events = registry_.content_events();
    const auto set = std::ranges::find(events, fmt::format("v{}", round), &ContentEvent::target);
    EXPECT_EQ(set != events.end(), stored.load());
    // What was stored was stored while the layer was there. Where transactions overlap (PostgreSQL) their
    // events have no order among themselves, so that there is only SQLite to see it on.
    if (stored && GetParam() == db::testing::Engine::sqlite) {
      EXPECT_TRUE(std::any_of(set, events.end(), [](const auto& e) { return e.action == "blob_deleted"; }));
    }
  }
}

TEST_P(Races, OfPushesAndTheDeletionOfTheRepositoryLeaveNothingBehind) {
  for (int round = 0; round < 3; ++round) {
    app_ = registry_.repository("alice/app");
    registry_.push_blob(app_, "{}");
    together(4, [&](int i) {
      if (i == 0) {
        EXPECT_THAT(registry_.facts->remove(app_.name, alice_.origin), Succeeds());
      } else if (i == 1) {
        const auto linked = registry_.blobs->link(app_, sha256("x"), 1, alice_);
        if (!linked) {
          EXPECT_EQ(linked.error().code, Errc::name_unknown) << linked.error().message;
        }
      } else if (const auto result = put(image(config_, {}), "v1"); !result) {
        EXPECT_TRUE(result.error().code == Errc::name_unknown ||
                    result.error().code == Errc::manifest_blob_unknown)
            << result.error().message;
      }
    });
    while (clean_up_removed(*registry_.installation.database).value()) {
    }
    for (const std::string_view table :
         {"tags", "manifests", "manifest_children", "repository_digests", "repository_blobs", "repositories"})
      EXPECT_THAT(registry_.installation.read(fmt::format("SELECT 1 FROM {}", table)), IsEmpty()) << table;
    EXPECT_EQ(registry_.used_bytes("alice"), 0);
  }
}

TEST_P(Races, ForTheLastRoomOfAQuotaHaveOneWinner) {
  registry_.set_quota("alice", kFile + kFile);
  std::atomic<int> won = 0;
  together(kThreads, [&](int i) {
    const auto linked = registry_.blobs->link(app_, sha256(fmt::format("{}", i)), 10, alice_);
    if (linked) {
      ++won;
    } else {
      EXPECT_EQ(linked.error().code, Errc::quota_exceeded) << linked.error().message;
    }
  });
  EXPECT_EQ(won, 1);
  EXPECT_EQ(registry_.used_bytes("alice"), 2 * kFile);
}

}  // namespace
}  // namespace bulkhead::registry::testing
