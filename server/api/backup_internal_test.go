// SPDX-License-Identifier: MPL-2.0

package api

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
	"time"
)

// A reader that takes nothing more must not hold a backup, and with it the store, for ever.
func TestTransfer_GivesUpAReaderThatStops(t *testing.T) {
	t.Parallel()
	ended := make(chan error, 1)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		c := &transfer{to: w, control: http.NewResponseController(w), patience: 50 * time.Millisecond, began: true, size: 1 << 40}
		var err error
		for err == nil {
			_, err = c.Write(make([]byte, 4*backupChunk))
		}
		ended <- err
	}))
	defer s.Close()
	response, err := http.Get(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close() // of which nothing is read
	select {
	case err := <-ended:
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("got %v, want that the deadline passed", err)
		}
	case <-time.After(2 * time.Minute):
		t.Error("it is still waiting")
	}
}
