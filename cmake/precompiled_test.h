// The same for tests, which have GoogleTest besides.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <precompiled.h>
