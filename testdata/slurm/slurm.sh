#!/usr/bin/env bash
# Runs jobs of Debian's Slurm that ask for a path in their comment, as root, with
# slurmctld, slurmd, munged and congad demo in namespaces of their own: the path is
# active before a job's first line, and released however the job ends. Slurm is
# installed where it is missing. The exit code is 2 if that cannot be.
#
# KEEP=1 leaves the directory.
set -u
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)

cannot() { echo "slurm: $*" >&2; exit 2; }
[ "$(id -u)" = 0 ] || cannot "it needs root"
if [ -z "${CONGA_SLURM_WORK:-}" ]; then
  if ! command -v slurmctld slurmd munged squeue >/dev/null; then
    command -v apt-get >/dev/null || cannot "there is no Slurm, and this is no Debian"
    RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends slurm-wlm munge >/dev/null ||
      cannot "Slurm cannot be installed"
  fi
  (cd "$root" && ${GO:-go} build -trimpath -o bin/ ./cmd/congad ./cmd/conga) || exit 1
  CONGA_SLURM_WORK=$(mktemp -d /tmp/conga-slurm.XXXXXX)
  export CONGA_SLURM_WORK
  chmod 755 "$CONGA_SLURM_WORK"
  unshare --net --pid --fork --kill-child --mount-proc bash "${BASH_SOURCE[0]}"
  code=$?
  if [ -n "${KEEP:-}" ]; then echo "left in $CONGA_SLURM_WORK"; else rm -rf "$CONGA_SLURM_WORK"; fi
  exit $code
fi

cd "$CONGA_SLURM_WORK" || exit 1
work=$PWD host=$(hostname -s) failures=0
export SLURM_CONF=$work/slurm.conf HOME=$work/home CONGA_SLURM_CONF=$work/conga-slurm.conf PATH=$root/bin:$PATH
unset CONGA_KEY CONGA_SERVER CONGA_CONTEXT CONGA_PROJECT
mkdir -p home state spool munge notes jobs
ip link set lo up
ip addr add 10.255.0.1/32 dev lo # Slurm resolves no address on a machine that has but 127.0.0.1

ok() { echo "ok    $*"; }
fail() { echo "FAIL  $*"; failures=$((failures + 1)); }
# soon SECONDS COMMAND... waits until a command succeeds.
soon() {
  local until=$((SECONDS + $1))
  shift
  while ! "$@" >/dev/null 2>&1; do
    [ $SECONDS -lt $until ] || return 1
    sleep 0.2
  done
}

start_congad() {
  congad demo --data "$work/data" --api 127.0.0.1:8443 >>congad.out 2>&1 &
  congad=$!
  soon 60 grep -q 'goes on until' congad.out
}
stop_congad() {
  kill "-$1" "$congad"
  wait "$congad" 2>/dev/null
  : >congad.out
}

start_congad || { cat congad.out; exit 1; }
pin=$(sed -n 's/.*--fingerprint \([0-9A-F:]*\).*/\1/p' congad.out | head -n 1)
echo | conga login --server https://127.0.0.1:8443 --fingerprint "$pin" --user abc123 --project projectB 2>/dev/null || exit 1
cat >conga-slurm.conf <<C
CONGA=$root/bin/conga
STATE=$work/notes
WAIT=15
C
cat >program <<C
#!/bin/sh
CONGA_SLURM_CONF=$CONGA_SLURM_CONF HOME=$HOME SLURM_CONF=$SLURM_CONF
export CONGA_SLURM_CONF HOME SLURM_CONF
exec $root/packaging/slurm/conga-slurm
C
chmod +x program

(umask 077 && head -c 128 /dev/urandom >munge/key)
munged --force --socket "$work/munge.sock" --key-file "$work/munge/key" --pid-file "$work/munge/pid" \
  --log-file "$work/munge/log" --seed-file "$work/munge/seed" --num-threads 2 2>/dev/null
cat >slurm.conf <<C
ClusterName=test
SlurmctldHost=$host(10.255.0.1)
SlurmUser=root
SlurmctldPort=17002
SlurmdPort=17003
AuthInfo=socket=$work/munge.sock
StateSaveLocation=$work/state
SlurmdSpoolDir=$work/spool
SlurmctldPidFile=$work/slurmctld.pid
SlurmdPidFile=$work/slurmd.pid
ProctrackType=proctrack/pgid
TaskPlugin=task/none
MpiDefault=none
SelectType=select/cons_tres
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
ReturnToService=2
KillWait=2
PrologSlurmctld=$work/program
EpilogSlurmctld=$work/program
NodeName=$host NodeAddr=10.255.0.1 CPUs=2 State=UNKNOWN
PartitionName=p Nodes=$host Default=YES MaxTime=INFINITE State=UP
C
slurmctld -D >slurmctld.out 2>&1 &
slurmd -D >slurmd.out 2>&1 &
soon 30 eval 'sinfo -h -o %T | grep -q idle' || { tail -n 5 slurmctld.out slurmd.out; exit 1; }

# submit COMMENT TIME COMMAND submits a job that first says which of its network's
# allocations are active, and sets job.
submit() {
  cat >jobs/script <<C
#!/bin/sh
#SBATCH --comment="$1"
#SBATCH --time=$2
#SBATCH --output=$work/jobs/%j.out
#SBATCH --open-mode=append
#SBATCH --requeue
date +%s >>$work/jobs/\$SLURM_JOB_ID.start
cat $work/notes/\$SLURM_JOB_ID >>$work/jobs/\$SLURM_JOB_ID.id 2>/dev/null
conga show "\$(tail -n 1 $work/jobs/\$SLURM_JOB_ID.id)" -o json >$work/jobs/\$SLURM_JOB_ID.show 2>&1
$3
C
  submitted=$(date +%s)
  job=$(sbatch --parsable jobs/script)
}
begun() { soon "${1:-30}" test -s "jobs/$job.show"; }
over() { soon "${1:-30}" eval "! squeue -h -j $job 2>/dev/null | grep -q ."; }
id_of() { tail -n 1 "jobs/$job.id" 2>/dev/null; }
state_of() { conga show "$1" -o json 2>/dev/null | sed -n 's/.*"state": "\([a-z]*\)".*/\1/p' | head -n 1; }
# again has a job that was queued anew run now, not when Slurm would.
again() {
  soon 60 eval "squeue -h -j $job -t PENDING 2>/dev/null | grep -q ." && scontrol update "JobId=$job" StartTime=now
}
released() { soon "${2:-20}" eval '[ "$(state_of "'"$1"'")" = complete ]'; }
path='conga:src=10.0.0.2,dst=10.0.0.3,bandwidth=1M'

# ended NAME waits until the job has begun and is over, and checks it.
ended() { begun && over "${2:-30}" && checked "$1" || fail "$1: not run"; }

# checked NAME checks that the job had its path before its first line, and that it
# is released.
checked() {
  if grep -q '"state": "active"' "jobs/$job.show" && released "$(id_of)" && [ ! -e "notes/$job" ]; then
    ok "$1: active before the first line, then released"
  else
    fail "$1: $(head -n 3 "jobs/$job.show") $(state_of "$(id_of)")"
  fi
  return 0
}

submit "$path" 5 true
ended "end"
submit "$path" 5 'exit 3'
ended "failure"
submit "with other text $path,dst-port=2811,50000-51000,protocol=tcp" 5 'sleep 100'
begun && scancel "$job"
ended "scancel"
submit 'conga:src=10.0.0.2,dst=10.0.0.3,volume=10M' 5 true
ended "volume"

submit "$path" 5 'sleep 100'
begun && first=$(id_of) && rm "jobs/$job.show" && scontrol requeue "$job"
if released "$first"; then ok "requeue: released"; else fail "requeue: $first is $(state_of "$first")"; fi
again
if begun 60 && [ "$(id_of)" != "$first" ]; then ok "requeue: another path when it runs again"; else fail "requeue: not run again"; fi
scancel "$job"
ended "requeue"

submit 'conga:src=10.0.0.2,dst=10.0.0.77,bandwidth=1M' 5 'sleep 100'
soon 10 test -s "notes/$job"
waiting=$(cat "notes/$job")
scancel "$job"
if released "$waiting" 10; then ok "scancel in the prolog: released"; else fail "scancel in the prolog: $(state_of "$waiting")"; fi

submit 'conga:dst=10.0.0.3,bandwith=1M' 5 true
begun && over
if [ ! -e "notes/$job" ] && scontrol show job "$job" | grep -q 'AdminComment=conga: no path: in the comment bandwith is not understood'; then
  ok "a comment that is not understood: the job runs, and says so"
else fail "a comment that is not understood: $(scontrol show job "$job" | grep AdminComment)"; fi
submit 'nothing for conga' 5 true
begun
if [ ! -e "notes/$job" ]; then ok "no comment for conga: no path"; else fail "no comment: a path"; fi

submit "$path" 1 'trap "" TERM; sleep 300'
ended "time limit" 150

# congad goes and comes in the middle of a job.
submit "$path" 5 'sleep 100'
begun
stop_congad KILL
start_congad
scancel "$job"
ended "congad restarted in the middle"

# It is down when a job ends: the next one's prolog makes up for it.
submit "$path" 5 'sleep 100'
begun
late=$(id_of)
stop_congad KILL
scancel "$job" && over
soon 30 test -e "notes/$job.over" || fail "congad down at the end: not noted"
submit "$path" 5 true
begun && over
took=$(($(cat "jobs/$job.start") - submitted))
if [ $took -le 20 ]; then ok "congad down: the job starts after $took s of 15 at most, and Slurm's own"; else fail "congad down: after $took s"; fi
submit "$path,required" 5 true
soon 60 eval "scontrol show job $job | grep -q 'Restarts=[1-9]' && squeue -h -j $job -t PENDING | grep -q ."
if [ ! -e "jobs/$job.start" ] && scontrol show job "$job" | grep -q 'JobState=PENDING'; then
  ok "congad down: a job that requires its path is queued anew"
else fail "congad down, required: $(scontrol show job "$job" | grep JobState)"; fi
start_congad
for _ in 1 2 3; do # until the hosts have spoken
  again
  begun 45 && break
done
ended "required, congad back"
if released "$late" 5; then ok "congad down at the end: released by the next job"; else fail "congad down at the end: $(state_of "$late")"; fi

[ "$failures" = 0 ] && echo "all passed"
exit "$((failures > 0))"
