/* A team of threads for a call, whose parts are cut into chunks.

   Whoever is free takes the next chunk, and at the end of a part waits for the chunks that
   others have taken, not for the others: a thread that is still asleep, or that another program
   keeps from its core, holds up nobody. OpenMP's threads wait for each other at each end. */

#pragma once

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>

/* Of a call; a layer, which has most, has 10. */
enum { MAX_PARTS = 12 };

/* Rounds of waiting, some 50 microseconds, before a thread leaves its core to others. */
enum { PATIENCE = 3000 };

/* Indices that are taken, and those that are done, apart because all threads count. */
typedef struct {
  _Alignas(64) _Atomic int64_t taken;
  _Alignas(64) _Atomic int64_t done;
} Part;

/* A thread on its way through the parts of a call; the caller is number 0. */
typedef struct {
  int64_t number, part;
} Member;

typedef void Body(const void *call, Member *me);

/* Indices of a part, `end` excluded. */
typedef struct {
  int64_t begin, end;
} Chunk;

static struct {
  Part parts[MAX_PARTS];
  Body *body;
  const void *call;
  int64_t num_members, num_started;
  _Alignas(64) _Atomic uint64_t number; /* of the last call */
  _Atomic uint64_t open;                /* the call that may be joined, or 0 */
  _Atomic int64_t num_inside, num_asleep;
  pthread_mutex_t turn, sleep;
  pthread_cond_t called;
} team = {.turn = PTHREAD_MUTEX_INITIALIZER,
          .sleep = PTHREAD_MUTEX_INITIALIZER,
          .called = PTHREAD_COND_INITIALIZER};

static inline void wait_a_round(int *round) {
  if (++*round > PATIENCE) sched_yield();
#ifdef __x86_64__
  __builtin_ia32_pause();
#endif
}

/* Takes the next `size` of a part's `num` indices, and notes that those before are done. Where
   none is left, waits until all are done, goes on to the next part, and returns 0. */
static inline int next_chunk(Member *me, Chunk *chunk, int64_t num, int64_t size) {
  Part *part = team.parts + me->part;
  if (chunk->end)
    atomic_fetch_add_explicit(&part->done, chunk->end - chunk->begin, memory_order_release);
  chunk->begin = atomic_fetch_add_explicit(&part->taken, size, memory_order_relaxed);
  chunk->end = chunk->begin + size < num ? chunk->begin + size : num;
  if (chunk->begin < num) return 1;
  for (int round = 0; atomic_load_explicit(&part->done, memory_order_acquire) < num;)
    wait_a_round(&round);
  me->part++;
  return 0;
}

static uint64_t next_call(uint64_t last) {
  for (int round = 0; atomic_load(&team.number) == last && round < PATIENCE;)
    wait_a_round(&round);
  if (atomic_load(&team.number) == last) {
    pthread_mutex_lock(&team.sleep);
    atomic_fetch_add(&team.num_asleep, 1);
    while (atomic_load(&team.number) == last) pthread_cond_wait(&team.called, &team.sleep);
    atomic_fetch_sub(&team.num_asleep, 1);
    pthread_mutex_unlock(&team.sleep);
  }
  return atomic_load(&team.number);
}

static void *serve(void *number) {
  for (uint64_t call = 0;;) {
    call = next_call(call);
    atomic_fetch_add(&team.num_inside, 1);
    if (atomic_load(&team.open) == call && (int64_t)number < team.num_members)
      team.body(team.call, &(Member){.number = (int64_t)number});
    atomic_fetch_sub(&team.num_inside, 1);
  }
  return NULL;
}

static void start_members(int64_t num_members) {
  for (pthread_t thread; team.num_started < num_members - 1; team.num_started++) {
    if (pthread_create(&thread, NULL, serve, (void *)(team.num_started + 1))) return;
    pthread_detach(thread);
  }
}

/* Runs `body` on the calling thread, and on those of the others that come in time. */
static void run_together(Body *body, const void *call, int64_t num_members) {
  pthread_mutex_lock(&team.turn);
  start_members(num_members);
  memset(team.parts, 0, sizeof team.parts);
  team.body = body, team.call = call, team.num_members = num_members;
  const uint64_t number = atomic_load(&team.number) + 1;
  atomic_store(&team.open, number);
  atomic_store(&team.number, number);
  if (atomic_load(&team.num_asleep)) {
    pthread_mutex_lock(&team.sleep); /* nobody is between looking and falling asleep */
    pthread_mutex_unlock(&team.sleep);
    pthread_cond_broadcast(&team.called);
  }
  body(call, &(Member){0});
  atomic_store(&team.open, 0); /* nobody joins any more; those inside are waited for */
  for (int round = 0; atomic_load(&team.num_inside);) wait_a_round(&round);
  pthread_mutex_unlock(&team.turn);
}
