/* Calls of random size on more threads than there are cores: prints how many went wrong. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "team.h"

enum { MOST = 40 };

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

int main(int num_arguments, char **arguments) {
  int num_wrong = 0;
  for (int calls = num_arguments > 1 ? atoi(arguments[1]) : 0; calls > 0; calls--) {
    int64_t counts[MOST] = {0}, pairs[MOST];
    const Call call = {counts, pairs, rand() % (MOST + 1)};
    run_together(count, &call, 1 + rand() % 6);
    for (int64_t i = 0; i < call.num; i++) num_wrong += counts[i] != 4;
    if (rand() % 50 == 0) usleep(rand() % 500); /* so that some fall asleep */
  }
  printf("%d\n", num_wrong);
}
