// SPDX-License-Identifier: MPL-2.0

package api

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/alertrouter/terraform-provider-alertrouter/server/problem"
)

const (
	// backupChunk is how much of a backup is sent at once, and backupPatience how long that may take: a reader may be
	// slow, but not absent.
	backupChunk    = 256 << 10
	backupPatience = time.Minute
)

// GetBackup implements GET /v1/backup.
func (a *API) GetBackup(ctx context.Context, _ GetBackupRequestObject) (GetBackupResponseObject, error) {
	if a.Backup == nil {
		return nil, problem.New(problem.NotFound, "the store of this server is not copied here: back it up with its own tools")
	}
	return backupResponse{ctx, a}, nil
}

// backupResponse sends a copy of the store while it is made: it does not fit in memory.
type backupResponse struct {
	ctx context.Context
	api *API
}

// VisitGetBackupResponse writes the copy. An error before its first byte is answered as any other; after it, the
// connection is broken, so that no reader takes what it has for the whole.
func (b backupResponse) VisitGetBackupResponse(w http.ResponseWriter) error {
	log := b.api.Log.With("request_id", w.Header().Get(requestIDHeader), "token", bearer(b.ctx).Name)
	began := time.Now()
	c := &transfer{to: w, control: http.NewResponseController(w), patience: backupPatience}
	if err := c.control.SetWriteDeadline(time.Time{}); err != nil { // getting ready may take long, and each chunk has its own
		return fmt.Errorf("lift the time limit of a backup: %w", err)
	}
	err := b.api.Backup(b.ctx, func(size int64) (io.Writer, error) {
		name := "alertrouter-" + b.api.Now().UTC().Format("20060102T150405Z") + ".backup"
		w.Header().Set("Content-Type", "application/octet-stream")
		w.Header().Set("Content-Disposition", `attachment; filename="`+name+`"`)
		w.Header().Set("Content-Length", strconv.FormatInt(size, 10))
		w.WriteHeader(http.StatusOK)
		c.began, c.size = true, size
		return c, nil
	})
	if err == nil {
		err = c.finish()
	}
	if err != nil && !c.began {
		return fmt.Errorf("back up the store: %w", err)
	}
	if err != nil {
		log.Error("a backup broke off; its connection is closed", "bytes", c.sent, "of", c.size, "duration", time.Since(began), "error", err)
		panic(http.ErrAbortHandler) // the only way to end an answer so that every reader sees that it is not whole
	}
	log.Info("a backup was taken", "bytes", c.size, "duration", time.Since(began))
	return nil
}

// transfer sends so many bytes and no others. It keeps the last one back until it is told that all is well: an answer
// with all its bytes is whole, whatever follows.
type transfer struct {
	to       io.Writer
	control  *http.ResponseController
	patience time.Duration
	began    bool
	size     int64 // of all
	sent     int64
	last     []byte
}

// Write sends p in chunks, each of which must be taken within the transfer's patience.
func (t *transfer) Write(p []byte) (int, error) {
	if left := t.size - t.sent - int64(len(t.last)); int64(len(p)) > left {
		return 0, fmt.Errorf("there are more than the %d bytes that were announced", t.size)
	}
	body := p
	if t.sent+int64(len(p)) == t.size && len(p) > 0 {
		body, t.last = p[:len(p)-1], []byte{p[len(p)-1]}
	}
	for written := 0; written < len(body); {
		n, err := t.send(body[written:min(written+backupChunk, len(body))])
		written += n
		if err != nil {
			return written, err
		}
	}
	return len(p), nil
}

func (t *transfer) send(chunk []byte) (int, error) {
	if err := t.extend(); err != nil {
		return 0, err
	}
	n, err := t.to.Write(chunk)
	t.sent += int64(n)
	return n, err
}

// finish sends the last byte; it fails when others are missing.
func (t *transfer) finish() error {
	if !t.began {
		return errors.New("the copy ended before it began")
	}
	if t.sent+int64(len(t.last)) != t.size {
		return fmt.Errorf("%d bytes were announced, and there are %d", t.size, t.sent)
	}
	if _, err := t.send(t.last); err != nil {
		return err
	}
	return t.control.Flush()
}

func (t *transfer) extend() error { return t.control.SetWriteDeadline(time.Now().Add(t.patience)) }
