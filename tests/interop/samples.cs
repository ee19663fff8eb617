// The C# sample of Omixa's page, with only the host changed, and a method around it: mono's compiler wants one, and `using` with its braces.
using System;
using System.Net.Http;
using System.Threading.Tasks;

class Samples
{
    static int Main()
    {
        return Run().GetAwaiter().GetResult();
    }

    static async Task<int> Run()
    {
using (var client = new HttpClient())
{
client.DefaultRequestHeaders.Authorization = new System.Net.Http.Headers.AuthenticationHeaderValue("Bearer", "omx_live_xxx");
var json = @"{
""model"": ""o1-preview"",
""messages"": [
{
""role"": ""system"",
""content"": ""You are a concise API assistant.""
},
{
""role"": ""user"",
""content"": ""Explain this model in three practical bullet points.""
}
],
""stream"": false,
""max_tokens"": 2048,
""reasoning_effort"": ""low"",
""show_thinking"": true,
""service_tier"": ""priority"",
""tools"": [
{
""type"": ""function"",
""function"": {
""name"": ""lookup_order"",
""description"": ""Return order status by ID."",
""parameters"": {
""type"": ""object"",
""properties"": {
""order_id"": {
""type"": ""string""
}
},
""required"": [
""order_id""
]
}
}
}
],
""tool_choice"": ""auto""
}";
var response = await client.PostAsync(Environment.GetEnvironmentVariable("MOCKSERVER_URL") + "/api/v1/chat/completions", new StringContent(json, System.Text.Encoding.UTF8, "application/json"));
var body = await response.Content.ReadAsStringAsync();

        if ((int)response.StatusCode != 200 || !body.Contains(@"""message"":{""role"":""assistant"",""content"":""...""}"))
        {
            Console.Error.WriteLine("{0} {1}", (int)response.StatusCode, body);
            return 1;
        }
        Console.WriteLine("HttpClient of .NET " + Environment.Version);
        return 0;
}
    }
}
