/* Calls on more threads than there are cores: says what went wrong. */

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "team.h"

enum { MOST = 40, MOST_MEMBERS = 6, NUM_MEETINGS = 60, NUM_CALLERS = 3, DEADLINE_S = 5 };

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

typedef struct {
  int64_t *counts, *pairs, num;
} Call;

/* Each part reads what others may have written in the part before. */
static void count(const void *of, Member *me) {
  const Call *call = of;
  for (Chunk some = {0}; next_chunk(me, &some, call->num, 3);)
    for (int64_t i = some.begin; i < some.end; i++) call->counts[i] += 1;
  for (Chunk one = {0}; next_chunk(me, &one, call->num, 1);)
    call->pairs[one.begin] = call->counts[one.begin] + call->counts[call->num - 1 - one.begin];
  for (Chunk some = {0}; next_chunk(me, &some, call->num, 5);)
    for (int64_t i = some.begin; i < some.end; i++)
      call->counts[i] = call->pairs[i] + call->pairs[(i + 1) % call->num];
}

/* Calls of random size, as `num_calls` says; returns how many indices went wrong. */
static void *call_again(void *num_calls) {
  int64_t num_wrong = 0;
  static _Atomic unsigned num_callers;
  unsigned seed = num_callers++;
  for (int64_t calls = (int64_t)num_calls; calls > 0; calls--) {
    int64_t counts[MOST] = {0}, pairs[MOST];
    const Call call = {counts, pairs, rand_r(&seed) % (MOST + 1)};
    run_together(count, &call, 1 + rand_r(&seed) % MOST_MEMBERS);
    for (int64_t i = 0; i < call.num; i++) num_wrong += counts[i] != 4;
    if (rand_r(&seed) % 50 == 0) usleep(rand_r(&seed) % 500); /* so that some fall asleep */
  }
  return (void *)num_wrong;
}

static int64_t call_from_all(int64_t num_calls) {
  pthread_t callers[NUM_CALLERS];
  int64_t num_wrong = 0;
  for (int i = 0; i < NUM_CALLERS; i++)
    pthread_create(callers + i, NULL, call_again, (void *)num_calls);
  for (int i = 0; i < NUM_CALLERS; i++) {
    void *wrong;
    pthread_join(callers[i], &wrong);
    num_wrong += (int64_t)wrong;
  }
  return num_wrong;
}

typedef struct {
  _Atomic int64_t *num_here;
  int64_t *who, num;
} Meeting;

/* Nobody leaves with a chunk before all have come for one. */
static void meet(const void *of, Member *me) {
  const Meeting *meeting = of;
  for (Chunk one = {0}; next_chunk(me, &one, meeting->num, 1);) {
    meeting->who[one.begin] = me->index;
    atomic_fetch_add(meeting->num_here, 1);
    for (const double end = now() + DEADLINE_S;
         atomic_load(meeting->num_here) < meeting->num && now() < end;)
      sched_yield();
  }
}

/* Whether all of `num` members came, and nobody else. */
static int is_met(int64_t num) {
  _Atomic int64_t num_here = 0;
  int64_t who[MOST_MEMBERS], seen = 0;
  run_together(meet, &(Meeting){&num_here, who, num}, num);
  for (int64_t i = 0; i < num; i++) seen |= 1 << who[i];
  return seen == (1 << num) - 1;
}

static int wait_until_all_sleep(void) {
  for (const double end = now() + DEADLINE_S; now() < end; sched_yield())
    if (atomic_load(&team.num_asleep) == team.num_started) return 1;
  return 0;
}

int main(int num_arguments, char **arguments) {
  for (int64_t number = 0; number < NUM_MEETINGS; number++) {
    if (number % 3 && !wait_until_all_sleep()) return puts("somebody stays awake"), 1;
    if (!is_met(number % 2 ? MOST_MEMBERS / 2 : MOST_MEMBERS)) return puts("not all came"), 1;
  }
  const int64_t num_wrong = call_from_all(num_arguments > 1 ? atol(arguments[1]) : 0);
  return num_wrong ? printf("%ld indices went wrong\n", (long)num_wrong), 1 : 0;
}
