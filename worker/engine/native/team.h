/* A team of threads for a call, whose parts are cut into chunks.

   Whoever is free takes the next chunk, and at the end of a part waits for the chunks that
   others have taken, not for the others: a thread that is still asleep, or that another program
   keeps from its core, holds up nobody. Only at the end of a call those are waited for that
   came to it. OpenMP's threads wait for each other at each end. */

#pragma once

#include <assert.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>
#ifdef __linux__
#include <linux/futex.h>
#include <sys/syscall.h>
#endif

/* Of a call; a layer, which has most, has 10. */
enum { MAX_PARTS = 12 };

/* Rounds of waiting, some 70 microseconds, before a thread leaves its core to others. */
enum { PATIENCE = 3000 };

/* Indices that are taken, and those that are done, apart because all threads count. */
typedef struct {
  _Alignas(64) _Atomic int64_t taken;
  _Alignas(64) _Atomic int64_t done;
} Part;

/* A thread on its way through the parts of a call; the caller has index 0. */
typedef struct {
  int64_t index, part;
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
  _Alignas(64) _Atomic uint32_t num_calls; /* so far, with the one under way */
  _Atomic int is_open;                     /* whether that may be joined */
  _Atomic int64_t num_inside, num_asleep;
  pthread_mutex_t turn;
} team = {.turn = PTHREAD_MUTEX_INITIALIZER};

static inline void wait_a_round(int *round) {
  if (*round < PATIENCE)
    ++*round;
  else
    sched_yield();
#if defined __x86_64__
  __builtin_ia32_pause();
#elif defined __aarch64__
  __asm__ volatile("isb");
#endif
}

#ifdef __linux__
/* Not a condition variable: who wakes others by that may have to wait for one of them. */
static void sleep_until_called(uint32_t num_calls) {
  syscall(SYS_futex, &team.num_calls, FUTEX_WAIT_PRIVATE, num_calls, NULL, NULL, 0);
}
static void wake_all(void) {
  syscall(SYS_futex, &team.num_calls, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}
#else
static void sleep_until_called(uint32_t num_calls) {
  if (atomic_load(&team.num_calls) == num_calls) usleep(1000);
}
static void wake_all(void) {}
#endif

/* Takes the next `size` of a part's `num` indices, and notes that those before are done. Where
   none is left, waits until all are done, goes on to the next part, and returns 0. */
static inline int next_chunk(Member *me, Chunk *chunk, int64_t num, int64_t size) {
  assert(me->part < MAX_PARTS);
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

/* Returns once there were more calls than `num_calls`, with their number. */
static uint32_t await_call(uint32_t num_calls) {
  for (int round = 0; atomic_load(&team.num_calls) == num_calls && round < PATIENCE;)
    wait_a_round(&round);
  while (atomic_load(&team.num_calls) == num_calls) {
    atomic_fetch_add(&team.num_asleep, 1);
    sleep_until_called(num_calls);
    atomic_fetch_sub(&team.num_asleep, 1);
  }
  return atomic_load(&team.num_calls);
}

static void *serve(void *index) {
  for (uint32_t num_calls = 0;;) {
    num_calls = await_call(num_calls);
    atomic_fetch_add(&team.num_inside, 1);
    if (atomic_load(&team.is_open) && (int64_t)index < team.num_members)
      team.body(team.call, &(Member){.index = (int64_t)index});
    atomic_fetch_sub(&team.num_inside, 1);
  }
  return NULL;
}

/* Who can't be started is done without. */
static void start_members(int64_t num_members) {
  if (team.num_started >= num_members - 1) return;
  sigset_t all, before;
  sigfillset(&all); /* signals are for the program's own threads */
  pthread_sigmask(SIG_SETMASK, &all, &before);
  for (pthread_t thread; team.num_started < num_members - 1; team.num_started++) {
    if (pthread_create(&thread, NULL, serve, (void *)(team.num_started + 1))) break;
    pthread_detach(thread);
  }
  pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* Runs `body` on the calling thread, and on those of the others that come in time. */
static void run_together(Body *body, const void *call, int64_t num_members) {
  pthread_mutex_lock(&team.turn);
  start_members(num_members);
  memset(team.parts, 0, sizeof team.parts);
  team.body = body, team.call = call, team.num_members = num_members;
  atomic_store(&team.is_open, 1);
  atomic_fetch_add(&team.num_calls, 1);
  if (atomic_load(&team.num_asleep)) wake_all();
  body(call, &(Member){0});
  atomic_store(&team.is_open, 0); /* nobody joins any more; those inside are waited for */
  for (int round = 0; atomic_load(&team.num_inside);) wait_a_round(&round);
  pthread_mutex_unlock(&team.turn);
}
