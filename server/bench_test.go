// SPDX-License-Identifier: MPL-2.0

package server_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

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
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
	var n atomic.Int64
	b.SetParallelism(32) // on 2 cores
	b.ReportAllocs()
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
