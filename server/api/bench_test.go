// SPDX-License-Identifier: MPL-2.0

package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/alertrouter/terraform-provider-alertrouter/server"
	"github.com/alertrouter/terraform-provider-alertrouter/server/alert"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
	"github.com/alertrouter/terraform-provider-alertrouter/server/servertest"
	"github.com/alertrouter/terraform-provider-alertrouter/server/store/bolt"
)

// BenchmarkListDestinations reads lists of 10,000 destinations over HTTP: all in pages of 1,000, the last page alone, and
// the one with a name.
func BenchmarkListDestinations(b *testing.B) {
	const n = 10000
	data := b.TempDir()
	fillDestinations(b, filepath.Join(data, "alertrouter.db"), n)
	s := servertest.Start(b, func(c *server.Config) { c.Data = data })
	list := func(b *testing.B, query string) (items int, next string) {
		request, err := http.NewRequestWithContext(b.Context(), "GET", s.URL+"/v1/destinations?limit=1000"+query, nil)
		if err != nil {
			b.Fatal(err)
		}
		request.Header.Set("Authorization", "Bearer "+s.Token)
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			b.Fatal(err)
		}
		defer response.Body.Close()
		var page struct {
			Items []json.RawMessage
			Next  string `json:"next_cursor"`
		}
		if err := json.NewDecoder(response.Body).Decode(&page); err != nil {
			b.Fatal(err)
		}
		return len(page.Items), page.Next
	}
	last := ""
	b.Run("all", func(b *testing.B) {
		for b.Loop() {
			total := 0
			for cursor := ""; ; {
				items, next := list(b, "&cursor="+cursor)
				if total += items; next == "" {
					break
				}
				cursor, last = next, next
			}
			if total != n {
				b.Fatalf("got %d destinations, want %d", total, n)
			}
		}
	})
	b.Run("last page", func(b *testing.B) {
		for b.Loop() {
			if items, _ := list(b, "&cursor="+last); items != 1000 {
				b.Fatalf("got %d destinations, want 1000", items)
			}
		}
	})
	b.Run("by name", func(b *testing.B) {
		for b.Loop() {
			if items, _ := list(b, "&display_name=destination%20004711"); items != 1 {
				b.Fatalf("got %d destinations, want 1", items)
			}
		}
	})
}

func fillDestinations(b *testing.B, file string, n int) {
	b.Helper()
	store, err := bolt.Open(file, bolt.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer func() {
		if err := store.Close(); err != nil {
			b.Fatal(err)
		}
	}()
	var running sync.WaitGroup
	numbers := make(chan int)
	for range 64 {
		running.Go(func() {
			for i := range numbers {
				err := store.CreateDestination(b.Context(), destination.Destination{
					ID: fmt.Sprintf("id-%06d", i), Type: "webhook", DisplayName: fmt.Sprintf("Destination %06d", i), Enabled: true,
					Severities: alert.Severities(), Config: json.RawMessage(`{"url":"https://soar.example.com"}`),
					CreatedAt: time.Now(), UpdatedAt: time.Now(), Revision: 1,
				})
				if err != nil {
					b.Error(err)
				}
			}
		})
	}
	for i := range n {
		numbers <- i
	}
	close(numbers)
	running.Wait()
}
