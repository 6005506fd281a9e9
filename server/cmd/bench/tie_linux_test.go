// SPDX-License-Identifier: MPL-2.0

package main

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// parentVariable makes this test start another process, say its id, and wait to be killed.
const parentVariable = "ALERTROUTER_BENCH_TEST_PARENT"

func beParent() {
	cmd := exec.Command("sleep", "60")
	tie(cmd)
	if err := cmd.Start(); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println(cmd.Process.Pid)
	_ = cmd.Wait()
	os.Exit(1)
}

func TestTie_LeavesNothingBehindThatIsKilled(t *testing.T) {
	if os.Getenv(parentVariable) != "" {
		beParent()
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	parent := exec.CommandContext(t.Context(), self, "-test.run=^TestTie_")
	parent.Env = append(os.Environ(), parentVariable+"=yes")
	out, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	child := strings.TrimSpace(line)
	if _, err := os.Stat("/proc/" + child); err != nil {
		t.Fatalf("the child %q is not there: %v", child, err)
	}
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = parent.Wait() // it was killed
	for deadline := time.Now().Add(2 * time.Minute); alive(child); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("the child %s outlives its parent", child)
		}
	}
}

// alive reports whether a process runs; one that has ended and that nobody waits for does not.
func alive(pid string) bool {
	stat, err := os.ReadFile("/proc/" + pid + "/stat")
	_, rest, _ := strings.Cut(string(stat), ") ")
	return err == nil && !strings.HasPrefix(rest, "Z")
}
