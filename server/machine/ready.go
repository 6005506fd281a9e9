// SPDX-License-Identifier: MPL-2.0

package machine

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"strings"
)

// ReadReady reads the log of a control plane that was started, in JSON, up to the line that tells its URL.
func ReadReady(log io.Reader) (url string, err error) {
	var said strings.Builder
	for lines := bufio.NewScanner(log); lines.Scan(); {
		said.WriteString(lines.Text() + "\n")
		var line struct{ Msg, URL string }
		if json.Unmarshal(lines.Bytes(), &line) == nil && line.Msg == "ready" {
			return line.URL, nil
		}
	}
	return "", errors.New("the control plane did not get ready: " + said.String())
}
