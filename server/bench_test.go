// SPDX-License-Identifier: MPL-2.0

package server_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alertrouter/terraform-provider-alertrouter/server"
	"github.com/alertrouter/terraform-provider-alertrouter/server/servertest"
)

// benchmarkAlert is about 1 KB; %d makes each distinct.
const benchmarkAlert = `{"alert_id":"%d","type":"RULE","created_at":"2020-10-13T03:35:24Z","log_types":["AWS.CloudTrail"],"dedup":"123.123.123.123",` +
	`"link":"https://siem.example.com/alerts/b90c19e66e160e194a5b3b94ec27fb7c","detection":{"id":"AllLogs.IPMonitoring","name":"Monitor Suspicious IPs",` +
	`"severity":"LOW","description":"This rule alerts on any activity outside of our IP address whitelist","tags":["Network Monitoring","Threat Intel"]},` +
	`"generated":{"title":"Suspicious traffic detected from [123.123.123.123]"},"context":{"ip":"123.123.123.123","pad":"%0400d"}}`

// BenchmarkServer_Accept measures an alert from the client's request to its answer, at 64 connections, each synced to
// disk and routed nowhere.
func BenchmarkServer_Accept(b *testing.B) {
	s := servertest.Start(b, func(c *server.Config) { c.BacklogLimit = 1 << 40 })
	b.ReportAllocs()
	post(b, s)
}

// BenchmarkServer_AcceptAndDeliver measures the same until the last alert has reached a receiver.
func BenchmarkServer_AcceptAndDeliver(b *testing.B) {
	s := servertest.Start(b, func(c *server.Config) { c.BacklogLimit = 1 << 40 })
	var got atomic.Int64
	sink := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		got.Add(1)
	}))
	defer sink.Close()
	request, err := http.NewRequest("POST", s.URL+"/v1/destinations", strings.NewReader(webhook("sink", sink.URL, `"LOW"`)))
	if err != nil {
		b.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+s.Token)
	response, err := http.DefaultClient.Do(request)
	if err != nil || response.StatusCode != http.StatusCreated {
		b.Fatal(err, response)
	}
	response.Body.Close()
	b.ReportAllocs()
	post(b, s)
	for got.Load() < int64(b.N) {
		time.Sleep(time.Millisecond)
	}
}

// post sends b.N distinct alerts over 64 connections.
func post(b *testing.B, s *servertest.Server) {
	b.Helper()
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
	var n atomic.Int64
	b.SetParallelism(64 / runtime.GOMAXPROCS(0))
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			request, err := http.NewRequest("POST", s.URL+"/v1/alerts", strings.NewReader(fmt.Sprintf(benchmarkAlert, n.Add(1), 0)))
			if err != nil {
				b.Error(err)
				return
			}
			request.Header.Set("Authorization", "Bearer "+s.Token)
			response, err := client.Do(request)
			if err != nil {
				b.Error(err)
				return
			}
			_, _ = io.Copy(io.Discard, response.Body)
			response.Body.Close()
			if response.StatusCode != http.StatusAccepted {
				b.Errorf("got %d", response.StatusCode)
			}
		}
	})
}
