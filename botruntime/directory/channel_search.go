package directory

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/types"

	"sesi.dev/sesi/api/bot"
)

// The ids of WhatsApp Web's questions about its directory of channels, which whatsmeow does not ask. WAHA asks the same.
const (
	listChannels   = "6190824427689257"
	searchChannels = "6802402206520139"
)

const (
	// maxSearchText, maxSearchList and maxSearchWord bound a search.
	maxSearchText, maxSearchList, maxSearchWord = 100, 50, 64
	// maxSearchCursor bounds a cursor of WhatsApp's.
	maxSearchCursor = 2048
)

// directoryPage is an answer of the directory.
type directoryPage struct {
	Page struct {
		End  string `json:"endCursor"`
		Next bool   `json:"hasNextPage"`
	} `json:"page_info"`
	Result []*types.NewsletterMetadata `json:"result"`
}

// SearchChannels looks for channels in WhatsApp's directory.
func (d *Directory) SearchChannels(ctx context.Context, search bot.ChannelSearch) (found bot.FoundChannels, err error) {
	found.Channels = []bot.Channel{}
	if err := checkSearch(search); err != nil {
		return found, err
	}
	question, field := listChannels, "xwa2_newsletters_directory_list"
	input := map[string]any{"limit": search.Limit, "start_cursor": search.After}
	if search.Text != "" {
		question, field = searchChannels, "xwa2_newsletters_directory_search"
		input["search_text"], input["categories"] = search.Text, list0(search.Categories)
	} else {
		input["view"] = search.View
		input["filters"] = map[string]any{"country_codes": list0(search.Countries), "categories": list0(search.Categories)}
	}
	err = d.ask(ctx, func(ctx context.Context, client *whatsmeow.Client) error {
		raw, err := client.DangerousInternals().SendMexIQ(ctx, question, map[string]any{"input": input}) //nolint:staticcheck // there is no public call
		if err != nil {
			return channelError(err)
		}
		var answer map[string]*directoryPage
		if err := json.Unmarshal(raw, &answer); err != nil {
			return fmt.Errorf("read the directory of channels: %w", err)
		}
		page := answer[field]
		if page == nil {
			return errNoChannel
		}
		for _, one := range page.Result {
			found.Channels = append(found.Channels, channelOf(one))
		}
		if page.Page.Next {
			found.After = page.Page.End
		}
		return nil
	})
	return found, err
}

// list0 is a list that JSON shows as one, also where it is empty.
func list0(some []string) []string { return append([]string{}, some...) }

func checkSearch(search bot.ChannelSearch) error {
	switch {
	case !fits(search.Text, 0, maxSearchText):
		return badField("text", fmt.Sprintf("at most %d characters", maxSearchText))
	case search.Text != "" && len(search.Countries) > 0:
		return badField("countries", "left out with text: WhatsApp searches in all countries")
	case search.Text == "" && !isWord(search.View):
		return badField("view", "a word of WhatsApp's directory, such as RECOMMENDED")
	case search.Limit < 1 || search.Limit > bot.MaxChannelPage:
		return badField("limit", fmt.Sprintf("a number, 1 to %d", bot.MaxChannelPage))
	case len(search.After) > maxSearchCursor:
		return badField("after", "the cursor of an earlier answer")
	case len(search.Countries) > maxSearchList || len(search.Categories) > maxSearchList:
		return badField("countries, categories", fmt.Sprintf("at most %d of each", maxSearchList))
	}
	for _, country := range search.Countries {
		if len(country) != 2 || !isWord(country) {
			return badField("countries", "codes of two capital letters, such as ID")
		}
	}
	for _, category := range search.Categories {
		if !isWord(category) {
			return badField("categories", "words of WhatsApp's directory, such as BUSINESS")
		}
	}
	return nil
}

// isWord reports whether a text can be one of the directory's own words.
func isWord(text string) bool {
	return text != "" && len(text) <= maxSearchWord && strings.Trim(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_") == ""
}
