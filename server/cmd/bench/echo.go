// SPDX-License-Identifier: MPL-2.0

package main

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/labstack/echo/v5"
)

// echoAlert has an alert's members. The context is only passed over, as it is by the server.
type echoAlert struct {
	AlertID   string    `json:"alert_id"`
	Type      string    `json:"type"`
	CreatedAt time.Time `json:"created_at"`
	Link      string    `json:"link"`
	LogTypes  []string  `json:"log_types"`
	Dedup     string    `json:"dedup"`
	Detection struct {
		ID           string   `json:"id"`
		Name         string   `json:"name"`
		Version      string   `json:"version"`
		Severity     string   `json:"severity"`
		Destinations []string `json:"destinations"`
		Description  string   `json:"description"`
		Runbook      string   `json:"runbook"`
		Reference    string   `json:"reference"`
		Tags         []string `json:"tags"`
	} `json:"detection"`
	Generated struct {
		Severity     *string  `json:"severity"`
		Destinations []string `json:"destinations"`
		Title        *string  `json:"title"`
		Description  *string  `json:"description"`
		Runbook      *string  `json:"runbook"`
		Reference    *string  `json:"reference"`
	} `json:"generated"`
	Context json.RawMessage `json:"context"`
}

// echoHandler decodes an alert and does nothing with it: what a handler with the same framework costs at least.
func echoHandler() http.Handler {
	e := echo.New()
	e.POST("/v1/alerts", func(c *echo.Context) error {
		var a echoAlert
		if err := json.NewDecoder(c.Request().Body).Decode(&a); err != nil {
			return err
		}
		return c.NoContent(http.StatusAccepted)
	})
	return e
}
