#include "transfer/crew.h"

#include <gtest/gtest.h>

#include <atomic>

#include "transfer/shared_blobs.h"

namespace bulkhead::transfer {
namespace {

TEST(Crew, DoesTasksThatTasksAddAndTheirParts) {
  Crew crew(4);
  std::atomic<int> tasks = 0;
  std::atomic<int> parts = 0;
  for (int i = 0; i < 50; ++i)
    crew.add_last([&] {
      crew.add_first([&] {
        std::atomic<int> mine = 0;
        std::vector<Crew::Work> work;
        for (int part = 0; part < 7; ++part)
          work.emplace_back([&] {
            ++mine;
            ++parts;
          });
        crew.together(std::move(work));
        EXPECT_EQ(mine, 7);
        ++tasks;
      });
    });
  crew.run();
  EXPECT_EQ(tasks, 50);
  EXPECT_EQ(parts, 350);
}

TEST(Crew, OneThreadIsEnough) {
  Crew crew(1);
  std::vector<int> order;
  crew.add_last([&] {
    crew.add_first([&] { order.push_back(2); });
    crew.together({[&] { order.push_back(1); }, [&] { order.push_back(1); }});
  });
  crew.add_last([&] { order.push_back(3); });
  crew.run();
  EXPECT_EQ(order, (std::vector<int>{1, 1, 2, 3}));
  Crew(3).run();  // with nothing to do it ends
}

TEST(SharedBlobs, OneBringsABlobAndTheOthersWaitForIt) {
  const auto digest = oci::Digest::of(oci::Algorithm::sha256, as_bytes("x"));
  SharedBlobs blobs;
  Crew crew(8);
  std::atomic<int> brought = 0;
  std::atomic<int> found = 0;
  for (int i = 0; i < 100; ++i)
    crew.add_last([&] {
      if (const auto place = blobs.find_or_claim(digest)) {
        EXPECT_EQ(place->render(), "acme/app");
        ++found;
      } else if (++brought < 3) {
        blobs.given_up(digest);  // the next one tries
      } else {
        blobs.brought(digest, *oci::RepositoryName::parse("acme/app"));
      }
    });
  crew.run();
  EXPECT_EQ(brought, 3);
  EXPECT_EQ(found, 97);
}

}  // namespace
}  // namespace bulkhead::transfer
