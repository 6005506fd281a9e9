// SPDX-License-Identifier: MPL-2.0

//go:build unix

package outbound_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/alertrouter/terraform-provider-alertrouter/server/outbound"
)

// BenchmarkClient_Do posts an alert's worth of JSON to a server in the same process; cpu-ns/op is what both sides use.
func BenchmarkClient_Do(b *testing.B) {
	server := serve(b, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(w, "ok")
	})
	body := bytes.Repeat([]byte("x"), 1<<10)
	for _, concurrency := range []int{1, 16} {
		for _, path := range paths {
			b.Run(fmt.Sprintf("%s/%d", path.name, concurrency), func(b *testing.B) {
				client := newClient(b)
				path.choose(client)
				b.ReportAllocs()
				before := cpu(b)
				var left atomic.Int64
				left.Store(int64(b.N))
				var done sync.WaitGroup
				for range concurrency {
					done.Go(func() {
						for left.Add(-1) >= 0 {
							post(b, client, server.URL, body)
						}
					})
				}
				done.Wait()
				b.ReportMetric(float64(cpu(b)-before)/float64(b.N), "cpu-ns/op")
			})
		}
	}
}

func post(b *testing.B, client *outbound.Client, url string, body []byte) {
	req, err := http.NewRequestWithContext(b.Context(), http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		b.Error(err)
		return
	}
	req.Header.Set("Content-Type", "application/json")
	if resp, err := client.Do(b.Context(), req); err != nil || resp.StatusCode != http.StatusOK {
		b.Errorf("got %v, error %v", resp, err)
	}
}

// cpu returns the processor time the process has used, in nanoseconds.
func cpu(b *testing.B) int64 {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return usage.Utime.Nano() + usage.Stime.Nano()
}
